"""Cumulative sums, products, extremes and logarithms of sums.

TensorRT accumulates sums.  All else is a scan in steps that double: after the first, an element stands for two of the
input, then for four, until it stands for all up to itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    ConverterFunction,
    cast,
    compare,
    dtype_of,
    elementwise,
    is_runtime,
    named,
    number_of,
    opmath,
    select,
    sizes,
    unary,
    upper_bound,
)

E, U = trt.ElementWiseOperation, trt.UnaryOperation
Tensors = tuple[trt.ITensor, ...]
#: of what stands for the elements before and what stands for the latest, what stands for both
Combine = Callable[[Context, Tensors, Tensors], Tensors]


@converter("aten.cumsum.default")
def cumsum(ctx: Context, input: Any, dim: int, dtype: Any = None) -> trt.ITensor:
    """cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor"""
    number = cast(ctx, input, ctx.call.result.dtype)
    ndim = len(number.shape)
    if not ndim:
        return number
    axis = ctx.tensor(torch.tensor(dim % ndim))
    return ctx.network.add_cumulative(number, axis, trt.CumulativeOperation.SUM, False, False).get_output(0)


def _unbounded(call: Call, input: Any, dim: int, *_: Any, **__: Any) -> str | None:
    if not input.dim() or upper_bound(input.shape[dim]) is not None:
        return None
    return "the size of the dimension has no upper bound"


def _scan(ctx: Context, combine: Combine, values: Tensors, dim: int, neutral: Sequence[float]) -> Tensors:
    """Combine each element with all those before it along ``dim``; ``neutral`` stands before the first."""
    given = ctx.call.args[0]
    length = upper_bound(given.shape[dim]) if given.dim() else 1
    assert length is not None  # the converters of this file decline otherwise
    step = 1
    while step < length:
        earlier = tuple(_delayed(ctx, value, dim, step, fill) for value, fill in zip(values, neutral, strict=True))
        values = combine(ctx, earlier, values)
        step *= 2
    return values


def _delayed(ctx: Context, input: trt.ITensor, dim: int, step: int, fill: float) -> trt.ITensor:
    """``input`` moved by ``step`` along ``dim``, with ``fill`` for what comes before it."""
    ndim = len(input.shape)
    start = tuple(-step if index == dim % ndim else 0 for index in range(ndim))
    dims = sizes(ctx, input)
    static = not any(map(is_runtime, dims))
    layer = ctx.network.add_slice(input, start, tuple(dims) if static else (1,) * ndim, (1,) * ndim)
    layer.mode = trt.SampleMode.FILL
    if not static:
        layer.set_input(2, ctx.shape(dims))
    layer.set_input(4, ctx.tensor(fill, dtype_of(input)))
    return layer.get_output(0)


def _one_value(name: str, neutral: float, combine: Callable[..., trt.ITensor]) -> ConverterFunction:
    def convert(ctx: Context, input: Any, dim: int, dtype: Any = None) -> trt.ITensor:
        result = ctx.call.result.dtype
        number = cast(ctx, input, opmath(result))

        def both(ctx: Context, earlier: Tensors, later: Tensors) -> Tensors:
            return (combine(ctx, earlier[0], later[0]),)

        return cast(ctx, _scan(ctx, both, (number,), dim, (neutral,))[0], result)

    return named(name, f"aten.{name}.default", rejects=_unbounded)(convert)


def _product(ctx: Context, earlier: trt.ITensor, later: trt.ITensor) -> trt.ITensor:
    return elementwise(ctx, E.PROD, earlier, later)


def _log_of_sum(ctx: Context, earlier: trt.ITensor, later: trt.ITensor) -> trt.ITensor:
    high = elementwise(ctx, E.MAX, earlier, later)
    distance = unary(ctx, U.ABS, elementwise(ctx, E.SUB, earlier, later))
    share = unary(ctx, U.EXP, unary(ctx, U.NEG, distance))
    total = elementwise(ctx, E.SUM, high, unary(ctx, U.LOG, elementwise(ctx, E.SUM, share, 1.0)))
    # two equal infinities have no difference
    return select(ctx, unary(ctx, U.ISINF, high), high, total)


cumprod, logcumsumexp = _one_value("cumprod", 1, _product), _one_value("logcumsumexp", -math.inf, _log_of_sum)


def _with_indices(name: str, op: trt.ElementWiseOperation, neutral: float) -> ConverterFunction:
    def combine(ctx: Context, earlier: Tensors, later: Tensors) -> Tensors:
        taken = elementwise(
            ctx, E.OR, compare(ctx, op, later[0], earlier[0]), compare(ctx, E.EQUAL, later[0], earlier[0])
        )
        if dtype_of(later[0]).is_floating_point:
            taken = elementwise(ctx, E.OR, taken, unary(ctx, U.ISNAN, later[0]))
        return select(ctx, taken, later[0], earlier[0]), select(ctx, taken, later[1], earlier[1])

    def convert(ctx: Context, input: Any, dim: int) -> Tensors:
        dtype = dtype_of(input)
        number = cast(ctx, input, number_of(dtype))
        lowest = neutral if dtype.is_floating_point else _least(number_of(dtype), neutral)
        values, indices = _scan(ctx, combine, (number, _positions(ctx, number, dim)), dim, (lowest, 0))
        return cast(ctx, values, dtype), indices

    return named(name, f"aten.{name}.default", rejects=_unbounded)(convert)


def _least(dtype: torch.dtype, sign: float) -> int:
    return torch.iinfo(dtype).min if sign < 0 else torch.iinfo(dtype).max


def _positions(ctx: Context, input: trt.ITensor, dim: int) -> trt.ITensor:
    """The index of every element along ``dim``."""
    ndim = len(input.shape)
    if not ndim:
        return ctx.tensor(0, torch.int64)
    dims = sizes(ctx, input)
    layer = ctx.network.add_fill((1,) * ndim, trt.FillOperation.LINSPACE, trt.int64)
    layer.set_input(0, ctx.shape(dims))
    layer.set_input(1, ctx.tensor(0, torch.int64))
    layer.set_input(2, ctx.tensor(torch.tensor([int(index == dim % ndim) for index in range(ndim)])))
    return layer.get_output(0)


cummax, cummin = _with_indices("cummax", E.GREATER, -math.inf), _with_indices("cummin", E.LESS, math.inf)
