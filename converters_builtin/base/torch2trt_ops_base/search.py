"""Searching in sorted numbers, by counting those that come before."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import Size, arange, cast, compare, elementwise, ndim_of, reduce, unary, unsqueeze

E = trt.ElementWiseOperation


def count_true(ctx: Context, condition: trt.ITensor) -> trt.ITensor:
    """How many elements of the last dimension are true."""
    return reduce(ctx, trt.ReduceOperation.SUM, condition, len(condition.shape) - 1, dtype=torch.int64)


def running_sum(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """``input.cumsum(0)``."""
    axis = ctx.tensor(torch.tensor(0, dtype=torch.int32))
    return ctx.network.add_cumulative(input, axis, trt.CumulativeOperation.SUM, False, False).get_output(0)


def insertion_point(ctx: Context, sequence: Any, values: Any, right: bool) -> trt.ITensor:
    """How many elements of the sorted last dimension of ``sequence`` come before each value."""
    ndim = ndim_of(sequence)
    rows = sequence if ndim == 1 else unsqueeze(ctx, sequence, [ndim - 1])
    column = unsqueeze(ctx, values, [ndim_of(values)])
    # not what is beyond the value, so that NaN comes last as in PyTorch
    beyond = compare(ctx, E.GREATER, rows, column)
    if not right:
        beyond = elementwise(ctx, E.OR, beyond, compare(ctx, E.EQUAL, rows, column))
    return count_true(ctx, unary(ctx, trt.UnaryOperation.NOT, beyond))


@converter("aten.searchsorted.Tensor", "aten.searchsorted.Scalar")
def searchsorted(
    ctx: Context,
    sorted_sequence: Any,
    input: Any,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> trt.ITensor:
    """searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, ...) -> Tensor"""
    if sorter is not None:
        layer = ctx.network.add_gather_v2(ctx.tensor(sorted_sequence), ctx.tensor(sorter), trt.GatherMode.ELEMENT)
        layer.axis = ndim_of(sorted_sequence) - 1
        sorted_sequence = layer.get_output(0)
    found = insertion_point(ctx, sorted_sequence, ctx.tensor(input), right or side == "right")
    return cast(ctx, found, ctx.call.result.dtype)


@converter("aten.bucketize.Tensor", "aten.bucketize.Scalar")
def bucketize(ctx: Context, input: Any, boundaries: Any, out_int32: bool = False, right: bool = False) -> trt.ITensor:
    """bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor"""
    return cast(ctx, insertion_point(ctx, boundaries, ctx.tensor(input), right), ctx.call.result.dtype)


def _unknown_length(call: Call, repeats: Any, output_size: Size | None = None) -> str | None:
    return "the length of the result depends on data; give output_size" if output_size is None else None


@converter("aten.repeat_interleave.Tensor", rejects=_unknown_length)
def repeat_interleave(ctx: Context, repeats: trt.ITensor, output_size: Size = None) -> trt.ITensor:
    """repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> Tensor"""
    ends = running_sum(ctx, repeats)
    return cast(ctx, insertion_point(ctx, ends, arange(ctx, output_size), right=True), ctx.call.result.dtype)
