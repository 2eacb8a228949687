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
#: digits of a float32
BITS: Final = 24
#: odd numbers of 32 bits without a pattern
_PLACE, _SEED, _ADDED = -0x61C8864F, -0x7A143595, 0x27D4EB2F
#: how often halves change places; twice passes every test that was tried, and more take TensorRT long to build
_ROUNDS: Final = 2
_HALF: Final = 1 << 16
WITHOUT_GENERATOR: Final = (
    "an engine has no torch.Generator: leave generator= out, and set the converted module's state.random_seed"
)


def seeded(generator: torch.Generator | None) -> str | None:
    """Why a call with a generator of its own is declined."""
    return None if generator is None else WITHOUT_GENERATOR


def random_bits(ctx: Context, sizes: Sequence[Size]) -> trt.ITensor:
    """Int32 numbers whose bits are random, each of the place of its element and the seed of this draw.

    Places and seeds are mixed by the permutation x (2x + 1) of RC6, with halves that change places in between.
    """
    seed = ctx.seed()
    key = lib.add(ctx, lib.mul(ctx, seed, _SEED), _ADDED)
    places = lib.arange(ctx, lib.size_product(ctx, sizes), lib.reshape(ctx, seed, []), _PLACE)
    bits = ctx.tensor(places, torch.int32)
    for _ in range(_ROUNDS):
        turned = _turned(ctx, bits, key)
        bits = lib.add(ctx, lib.floor_divide(ctx, turned, _HALF), lib.mul(ctx, turned, _HALF))
    return lib.reshape(ctx, _turned(ctx, bits, key), sizes)


def _turned(ctx: Context, bits: trt.ITensor, key: Value) -> trt.ITensor:
    """Each bit of the result depends on it and all lower ones: the upper ones are random."""
    return lib.add(ctx, lib.mul(ctx, bits, lib.add(ctx, lib.add(ctx, bits, bits), 1)), key)


def leading(ctx: Context, sizes: Sequence[Size]) -> trt.ITensor:
    """Int32 numbers of 24 random bits."""
    return lib.add(ctx, lib.floor_divide(ctx, random_bits(ctx, sizes), 1 << (32 - BITS)), 1 << (BITS - 1))


def uniform_of(ctx: Context, sizes: Sequence[Size]) -> trt.ITensor:
    """Float32 numbers from 0 to below 1, multiples of ``2**-24``."""
    return lib.mul(ctx, ctx.tensor(leading(ctx, sizes), torch.float32), 2.0**-BITS)


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
    """Float32 numbers of a normal distribution, by the transformation of Box and Muller."""
    # with more digits below, and above 0: its logarithm says how far away numbers can be
    finer = lib.mul(ctx, lib.add(ctx, uniform_of(ctx, sizes), 2.0**-BITS), 2.0**-BITS)
    radius = lib.sqrt(ctx, lib.mul(ctx, lib.log(ctx, lib.add(ctx, uniform_of(ctx, sizes), finer)), -2.0))
    angle = lib.mul(ctx, uniform_of(ctx, sizes), 2 * math.pi)
    return _scaled(ctx, lib.mul(ctx, radius, lib.cos(ctx, angle)), mean, std)


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
    return lib.div(ctx, lib.maximum(ctx, lib.neg(ctx, logarithm), 2.0 ** -(BITS + 1)), lambd)


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
