"""Random numbers, all made of a seed that is another one at every call, as every runtime makes them alike.

They are distributed as PyTorch's, and others: PyTorch has other generators, one for each device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

#: uniform numbers of these dtypes are multiples of ``2**-digits`` in PyTorch, which are never rounded up to 1
_DIGITS: Final = {torch.float16: 11, torch.bfloat16: 8}
#: float32 has 24 digits
_BITS: Final = 24
#: odd numbers of 64 bits without a pattern
_STEP, _KEY = -0x61C8864680B583EB, 0x3A5F1B7C96E4D28B
#: how often a number is squared; three times pass every test that was tried
_ROUNDS: Final = 5
_HALF: Final = 1 << 32
WITHOUT_GENERATOR: Final = (
    "an engine has no torch.Generator: leave generator= out, and set the converted module's state.random_seed"
)


def seeded(generator: torch.Generator | None) -> str | None:
    """Why a call with a generator of its own is declined."""
    return None if generator is None else WITHOUT_GENERATOR


def random_bits(ctx: Context, sizes: Sequence[Size]) -> trt.ITensor:
    """Int64 numbers whose 64 bits are random, each of the place of its element and the seed of this draw.

    As in Widynski's counter-based generators, a number is squared again and again, and its halves change places; the
    upper halves of the last two squares are the result.
    """
    seed = lib.mul(ctx, ctx.seed(), _KEY)
    place = lib.add(ctx, lib.mul(ctx, lib.arange(ctx, lib.size_product(ctx, sizes)), _STEP), seed)
    mixed, added, last = place, (place, lib.add(ctx, place, _KEY)), place
    for turn in range(_ROUNDS):
        square = lib.add(ctx, lib.mul(ctx, mixed, mixed), added[turn % 2])
        before, last = last, _upper(ctx, square)
        mixed = lib.add(ctx, last, lib.mul(ctx, square, _HALF))
    return lib.reshape(ctx, lib.add(ctx, lib.mul(ctx, before, _HALF), last), sizes)


def _upper(ctx: Context, bits: trt.ITensor) -> trt.ITensor:
    """The upper half of 64 bits, as a signed number."""
    return lib.elementwise(ctx, trt.ElementWiseOperation.FLOOR_DIV, bits, _HALF)


def leading(ctx: Context, bits: trt.ITensor, count: int) -> trt.ITensor:
    """The ``count`` leading ones of 64 bits, as an int64 number from 0 to below ``2**count``."""
    signed = lib.elementwise(ctx, trt.ElementWiseOperation.FLOOR_DIV, bits, 1 << (64 - count))
    return lib.add(ctx, signed, 1 << (count - 1))


def uniform_of(ctx: Context, sizes: Sequence[Size]) -> trt.ITensor:
    """Float32 numbers from 0 to below 1, multiples of ``2**-24``."""
    return _fraction(ctx, leading(ctx, random_bits(ctx, sizes), _BITS), _BITS)


def _fraction(ctx: Context, number: trt.ITensor, bits: int) -> trt.ITensor:
    return lib.mul(ctx, ctx.tensor(number, torch.float32), 2.0**-bits)


def uniform_between(ctx: Context, sizes: Sequence[Size], low: float = 0.0, high: float = 1.0) -> trt.ITensor:
    """Numbers of the result's dtype, uniform from ``low`` to below ``high``."""
    drawn, dtype = uniform_of(ctx, sizes), ctx.call.result.dtype
    if digits := _DIGITS.get(dtype):
        drawn = lib.mul(ctx, lib.floor(ctx, lib.mul(ctx, drawn, 2.0**digits)), 2.0**-digits)
    return ctx.tensor(_scaled(ctx, drawn, low, high - low), dtype)


def _scaled(ctx: Context, drawn: trt.ITensor, offset: Value, factor: Value) -> trt.ITensor:
    if lib.is_runtime(factor) or isinstance(factor, torch.Tensor) or factor != 1:
        drawn = lib.mul(ctx, drawn, factor, torch.float32)
    if lib.is_runtime(offset) or isinstance(offset, torch.Tensor) or offset != 0:
        drawn = lib.add(ctx, drawn, offset, torch.float32)
    return drawn


def _normal(ctx: Context, sizes: Sequence[Size], mean: Value = 0.0, std: Value = 1.0) -> trt.ITensor:
    """Float32 numbers of a normal distribution, by the transformation of Box and Muller, up to 6.7 deviations away."""
    bits = random_bits(ctx, sizes)
    upper = _upper(ctx, bits)
    lower = lib.sub(ctx, bits, lib.mul(ctx, upper, _HALF))
    # above 0: the logarithm is taken
    inside = _fraction(ctx, lib.add(ctx, upper, _HALF // 2 + 1), 32)
    radius = lib.sqrt(ctx, lib.mul(ctx, lib.log(ctx, inside), -2.0))
    return _scaled(
        ctx, lib.mul(ctx, radius, lib.cos(ctx, lib.mul(ctx, _fraction(ctx, lower, 32), 2 * math.pi))), mean, std
    )


def sizes_of(ctx: Context, input: Value) -> Sequence[Size]:
    """``input.size()``; of a constant without a layer for it."""
    return lib.sizes(ctx, input) if lib.is_runtime(input) else list(ctx.const(input).shape)


def _of_sizes(name: str, draw: Callable[..., trt.ITensor]) -> Callable[..., trt.ITensor]:
    def convert(
        ctx: Context,
        size: Sequence[Size],
        dtype: torch.dtype | None = None,
        layout: torch.layout | None = None,
        device: torch.device | None = None,
        pin_memory: bool | None = None,
    ) -> trt.ITensor:
        return ctx.tensor(draw(ctx, size), ctx.call.result.dtype)

    return converter(f"aten.{name}.default", name=name)(convert)


def _like(name: str, draw: Callable[..., trt.ITensor]) -> Callable[..., trt.ITensor]:
    def convert(
        ctx: Context,
        input: Value,
        dtype: torch.dtype | None = None,
        layout: torch.layout | None = None,
        device: torch.device | None = None,
        pin_memory: bool | None = None,
        memory_format: torch.memory_format | None = None,
    ) -> trt.ITensor:
        return ctx.tensor(draw(ctx, sizes_of(ctx, input)), ctx.call.result.dtype)

    return converter(f"aten.{name}.default", name=name)(convert)


rand, randn = _of_sizes("rand", uniform_between), _of_sizes("randn", _normal)
rand_like, randn_like = _like("rand_like", uniform_between), _like("randn_like", _normal)


@converter("aten.normal.Tensor_Tensor", "aten.normal.Tensor_float", "aten.normal.float_Tensor", rejects=seeded)
def normal(ctx: Context, mean: Value, std: Value = 1.0, generator: torch.Generator | None = None) -> trt.ITensor:
    """normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor"""
    like = std if isinstance(mean, float) else mean if isinstance(std, float) else lib.add(ctx, mean, std)
    return ctx.tensor(_normal(ctx, sizes_of(ctx, like), mean, std), ctx.call.result.dtype)


@converter("aten.normal.float_float", rejects=seeded)
def normal_of_size(
    ctx: Context,
    mean: float,
    std: float,
    size: Sequence[Size],
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """normal.float_float(float mean, float std, SymInt[] size, *, Generator? generator=None, ...) -> Tensor"""
    return ctx.tensor(_normal(ctx, size, mean, std), ctx.call.result.dtype)


def _in_place_of(name: str, draw: Callable[..., trt.ITensor]) -> Callable[..., trt.ITensor]:
    """An operator that is written as one in place: its numbers stand where those of ``input`` were."""

    def convert(
        ctx: Context, input: Value, *parameters: float, generator: torch.Generator | None = None
    ) -> trt.ITensor:
        return ctx.tensor(draw(ctx, sizes_of(ctx, input), *parameters), ctx.call.result.dtype)

    return converter(f"aten.{name}.default", name=name, rejects=seeded)(convert)


def exponential_of(ctx: Context, sizes: Sequence[Size], lambd: float = 1.0) -> trt.ITensor:
    """Float32 numbers of the exponential distribution."""
    # never 0, as in PyTorch: its logarithm is often taken
    logarithm = lib.log(ctx, lib.sub(ctx, 1.0, uniform_of(ctx, sizes)))
    return lib.div(ctx, lib.maximum(ctx, lib.neg(ctx, logarithm), 2.0 ** -(_BITS + 1)), lambd)


def _geometric(ctx: Context, sizes: Sequence[Size], p: float) -> trt.ITensor:
    return lib.maximum(ctx, lib.ceil(ctx, lib.div(ctx, exponential_of(ctx, sizes), -math.log1p(-p))), 1.0)


def _cauchy(ctx: Context, sizes: Sequence[Size], median: float = 0.0, sigma: float = 1.0) -> trt.ITensor:
    angle = lib.mul(ctx, lib.sub(ctx, uniform_of(ctx, sizes), 0.5), math.pi)
    return _scaled(ctx, lib.unary(ctx, trt.UnaryOperation.TAN, angle), median, sigma)


def _log_normal(ctx: Context, sizes: Sequence[Size], mean: float = 1.0, std: float = 2.0) -> trt.ITensor:
    return lib.exp(ctx, _normal(ctx, sizes, mean, std))


uniform, normal_functional = _in_place_of("uniform", uniform_between), _in_place_of("normal_functional", _normal)
exponential, geometric = _in_place_of("exponential", exponential_of), _in_place_of("geometric", _geometric)
cauchy, log_normal = _in_place_of("cauchy", _cauchy), _in_place_of("log_normal", _log_normal)


@converter("aten.bernoulli.default", "aten.bernoulli.p", "aten.bernoulli.Tensor", rejects=seeded)
def bernoulli(
    ctx: Context, input: Value, p: Value | None = None, generator: torch.Generator | None = None
) -> trt.ITensor:
    """bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor"""
    sizes = sizes_of(ctx, input)
    if isinstance(p, float) and p == 0:
        return lib.expand(ctx, torch.zeros((), dtype=ctx.call.result.dtype), sizes)
    return ctx.tensor(lib.lt(ctx, uniform_of(ctx, sizes), input if p is None else p), ctx.call.result.dtype)


@converter("aten.native_dropout.default")
def native_dropout(ctx: Context, input: Value, p: float, train: bool | None) -> tuple[trt.ITensor, trt.ITensor | None]:
    """native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)"""
    tensor = ctx.tensor(input)
    if train is False or p == 0:
        mask = lib.expand(ctx, torch.tensor(True), lib.sizes(ctx, tensor)) if ctx.call.uses(1) else None
        return tensor, mask
    mask = lib.lt(ctx, uniform_of(ctx, lib.sizes(ctx, tensor)), 1 - p)
    # a product, as in PyTorch: what is dropped of infinity is NaN
    return lib.mul(ctx, lib.mul(ctx, tensor, mask), 0.0 if p == 1 else 1 / (1 - p)), mask
