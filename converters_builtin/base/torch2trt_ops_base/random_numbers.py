"""Random numbers, all made of those that TensorRT's FILL draws anew each time that it runs.

They are distributed as PyTorch's, and others: TensorRT's generator is another one, and takes no seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

F = trt.FillOperation
#: uniform numbers of these dtypes are multiples of ``2**-digits`` in PyTorch, which are never rounded up to 1
_DIGITS: Final = {torch.float16: 11, torch.bfloat16: 8}
#: float32 has 24 digits
_BITS: Final = 24


def seeded(generator: torch.Generator | None) -> str | None:
    """Why a call with a generator of its own is declined."""
    return None if generator is None else "TensorRT's generator takes no seed; leave generator= out"


def _fill(ctx: Context, operation: trt.FillOperation, sizes: Sequence[Size]) -> trt.ITensor:
    """Float32 numbers of FILL: uniform from 0 to 1, or normal."""
    static = [size for size in sizes if not lib.is_runtime(size)]
    known = len(static) == len(sizes)
    # a FILL of no dimensions does not build
    layer = ctx.network.add_fill(tuple(static) if known and sizes else (1,) * max(len(sizes), 1), operation)
    layer.alpha, layer.beta = 0.0, 1.0
    if not known:
        layer.set_input(0, ctx.shape(sizes))
    drawn = layer.get_output(0)
    return drawn if sizes else lib.reshape(ctx, drawn, [])


def uniform_of(ctx: Context, sizes: Sequence[Size]) -> trt.ITensor:
    """Float32 numbers from 0 to below 1; TensorRT does not say which of the two it may draw."""
    return lib.minimum(ctx, _fill(ctx, F.RANDOM_UNIFORM, sizes), 1 - 2**-_BITS)


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
    return _scaled(ctx, _fill(ctx, F.RANDOM_NORMAL, sizes), mean, std)


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
    drawn = uniform_of(ctx, sizes_of(ctx, input))
    return ctx.tensor(lib.lt(ctx, drawn, input if p is None else p), ctx.call.result.dtype)


@converter("aten.native_dropout.default")
def native_dropout(ctx: Context, input: Value, p: float, train: bool | None) -> tuple[trt.ITensor, trt.ITensor | None]:
    """native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)"""
    tensor = ctx.tensor(input)
    if train is False:
        mask = lib.expand(ctx, torch.tensor(True), lib.sizes(ctx, tensor)) if ctx.call.uses(1) else None
        return tensor, mask
    mask = lib.lt(ctx, uniform_of(ctx, lib.sizes(ctx, tensor)), 1 - p)
    # a product, as in PyTorch: what is dropped of infinity is NaN
    return lib.mul(ctx, lib.mul(ctx, tensor, mask), 0.0 if p == 1 else 1 / (1 - p)), mask
