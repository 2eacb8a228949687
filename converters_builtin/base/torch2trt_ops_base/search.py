"""Where values fall between boundaries."""

from __future__ import annotations

from typing import Any

from torch2trt import Call, Context, converter, trt
from torch2trt.lib import compare, elementwise, reduce, unsqueeze

E = trt.ElementWiseOperation


def _index(ctx: Context, boundaries: Any, input: Any, right: bool) -> trt.ITensor:
    """How many of the boundaries lie before each value: those that equal it as well where ``right``."""
    values = ctx.tensor(input)
    column = unsqueeze(ctx, values, [len(values.shape)])
    bounds = ctx.tensor(boundaries)
    if len(bounds.shape) > 1:  # a row of boundaries for each row of values
        bounds = unsqueeze(ctx, bounds, [len(bounds.shape) - 1])
    before = compare(ctx, E.LESS, bounds, column)
    if right:
        before = elementwise(ctx, E.OR, before, compare(ctx, E.EQUAL, bounds, column))
    return reduce(ctx, trt.ReduceOperation.SUM, before, -1, False, ctx.call.result.dtype)


@converter("aten.bucketize.Tensor")
def bucketize(ctx: Context, input: Any, boundaries: Any, out_int32: bool = False, right: bool = False) -> trt.ITensor:
    """bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor"""
    return _index(ctx, boundaries, input, right)


def _sorter(
    call: Call,
    sorted_sequence: Any,
    input: Any,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> str | None:
    return None if sorter is None else "sorter is not supported; sort the boundaries in the model"


@converter("aten.searchsorted.Tensor", rejects=_sorter)
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
    return _index(ctx, sorted_sequence, input, right or side == "right")
