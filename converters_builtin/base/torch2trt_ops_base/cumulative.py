"""Cumulative sums, products, extremes and logarithms of sums.

TensorRT accumulates sums.  All else is a scan in steps that double: after the first, an element stands for two of the
input, then for four, until it stands for all up to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

R = trt.ReduceOperation
Tensors = tuple[trt.ITensor, ...]
#: of what stands for the elements before and what stands for the latest, what stands for both
Combine = Callable[[Context, Tensors, Tensors], Tensors]


@converter("aten.cumsum.default")
def cumsum(ctx: Context, input: Value, dim: int, dtype: torch.dtype | None = None) -> trt.ITensor:
    """cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor"""
    tensor = ctx.tensor(input, ctx.call.result.dtype)
    return lib.cumsum(ctx, tensor, dim) if len(tensor.shape) else tensor


def _unbounded(input: torch.Tensor, dim: int) -> str | None:
    if not input.dim() or lib.upper_bound(input.shape[dim]) is not None:
        return None
    return "the size of the dimension has no upper bound"


def _scan(ctx: Context, combine: Combine, values: Tensors, dim: int, neutral: Sequence[float]) -> Tensors:
    """Combine each element with all those before it along ``dim``; ``neutral`` stands before the first."""
    input = ctx.call.args[0]
    length = lib.upper_bound(input.shape[dim]) if input.dim() else 1
    assert length is not None  # the converters of this file decline otherwise
    trailing = (0, 0) * (input.dim() - 1 - dim % max(input.dim(), 1))
    step = 1
    while step < length:
        shift = (*trailing, step, -step)
        earlier = [lib.pad(ctx, value, shift, fill=fill) for value, fill in zip(values, neutral, strict=True)]
        values = combine(ctx, tuple(earlier), values)
        step *= 2
    return values


def _one_value(name: str, op: trt.ReduceOperation, combine: Callable[..., trt.ITensor]) -> Callable[..., trt.ITensor]:
    """``combine`` has the neutral element of ``op``."""

    def combine_one(ctx: Context, earlier: Tensors, later: Tensors) -> Tensors:
        return (combine(ctx, earlier[0], later[0]),)

    def convert(ctx: Context, input: Value, dim: int, dtype: torch.dtype | None = None) -> trt.ITensor:
        result = ctx.call.result.dtype
        wide = lib.opmath(result)
        neutral = lib.neutral_element(op, wide)
        return ctx.tensor(_scan(ctx, combine_one, (ctx.tensor(input, wide),), dim, [neutral])[0], result)

    return converter(f"aten.{name}.default", name=name, rejects=_unbounded)(convert)


def _log_of_sum(ctx: Context, earlier: trt.ITensor, later: trt.ITensor) -> trt.ITensor:
    high = lib.maximum(ctx, earlier, later)
    ratio = lib.exp(ctx, lib.neg(ctx, lib.abs(ctx, lib.sub(ctx, earlier, later))))
    total = lib.add(ctx, high, lib.log(ctx, lib.add(ctx, ratio, 1.0)))
    # two equal infinities have no difference
    return lib.where(ctx, lib.isinf(ctx, high), high, total)


cumprod, logcumsumexp = _one_value("cumprod", R.PROD, lib.mul), _one_value("logcumsumexp", R.MAX, _log_of_sum)


def _with_indices(
    name: str, op: trt.ReduceOperation, replaces: Callable[[Context, Value, Value], trt.ITensor]
) -> Callable[..., Tensors]:
    """Of equal elements the latest is taken; NaN wins over numbers."""

    def combine(ctx: Context, earlier: Tensors, later: Tensors) -> Tensors:
        taken = replaces(ctx, later[0], earlier[0])
        if lib.dtype_of(later[0]).is_floating_point:
            taken = lib.logical_or(ctx, taken, lib.isnan(ctx, later[0]))
        return lib.where(ctx, taken, later[0], earlier[0]), lib.where(ctx, taken, later[1], earlier[1])

    def convert(ctx: Context, input: Value, dim: int) -> Tensors:
        dtype = lib.compute_dtype(lib.dtype_of(input))
        tensor = ctx.tensor(input, dtype)
        neutral = (lib.neutral_element(op, dtype), 0)
        values, indices = _scan(ctx, combine, (tensor, _positions(ctx, tensor, dim)), dim, neutral)
        return ctx.tensor(values, lib.dtype_of(input)), indices

    return converter(f"aten.{name}.default", name=name, rejects=_unbounded)(convert)


def _positions(ctx: Context, input: trt.ITensor, dim: int) -> trt.ITensor:
    """The index of every element along ``dim``."""
    ndim = len(input.shape)
    if not ndim:
        return ctx.tensor(0, torch.int64)
    layer = ctx.network.add_fill((1,) * ndim, trt.FillOperation.LINSPACE, trt.int64)
    layer.set_input(0, ctx.shape(lib.sizes(ctx, input)))
    layer.set_input(1, ctx.tensor(0, torch.int64))
    layer.set_input(2, ctx.tensor(torch.tensor([int(index == dim % ndim) for index in range(ndim)])))
    return layer.get_output(0)


cummax, cummin = _with_indices("cummax", R.MAX, lib.ge), _with_indices("cummin", R.MIN, lib.le)
