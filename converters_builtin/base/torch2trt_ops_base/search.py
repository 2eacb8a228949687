"""Searching in sorted numbers, by counting those that come before."""

from __future__ import annotations

import torch
from torch2trt import Context, ConversionError, converter, lib, trt
from torch2trt.lib import Size, Value


def insertion_point(ctx: Context, sequence: Value, values: Value, right: bool) -> trt.ITensor:
    """How many elements of the sorted last dimension of ``sequence`` come before each value."""
    ndim = lib.ndim_of(sequence)
    rows = sequence if ndim == 1 else lib.unsqueeze(ctx, sequence, [ndim - 1])
    column = lib.unsqueeze(ctx, values, [lib.ndim_of(values)])
    # not what is beyond the value, so that NaN comes last as in PyTorch
    beyond = lib.gt(ctx, rows, column) if right else lib.ge(ctx, rows, column)
    return lib.sum(ctx, lib.logical_not(ctx, beyond), -1, dtype=torch.int64)


@converter("aten.searchsorted.Tensor", "aten.searchsorted.Scalar")
def searchsorted(
    ctx: Context,
    sorted_sequence: Value,
    input: Value,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Value | None = None,
) -> trt.ITensor:
    """searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, ...) -> Tensor"""
    if sorter is not None:
        sorted_sequence = lib.gather(ctx, sorted_sequence, -1, sorter)
    position = insertion_point(ctx, sorted_sequence, ctx.tensor(input), right or side == "right")
    return ctx.tensor(position, ctx.call.result.dtype)


@converter("aten.bucketize.Tensor", "aten.bucketize.Scalar")
def bucketize(
    ctx: Context, input: Value, boundaries: Value, out_int32: bool = False, right: bool = False
) -> trt.ITensor:
    """bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor"""
    return ctx.tensor(insertion_point(ctx, boundaries, ctx.tensor(input), right), ctx.call.result.dtype)


_UNKNOWN_LENGTH = "the length of the result depends on data; give output_size"


def _unknown_length(output_size: Size | None) -> str | None:
    return _UNKNOWN_LENGTH if output_size is None else None


@converter("aten.repeat_interleave.Tensor", rejects=_unknown_length)
def repeat_interleave(ctx: Context, repeats: Value, output_size: Size | None = None) -> trt.ITensor:
    """repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> Tensor"""
    if output_size is None:
        raise ConversionError(_UNKNOWN_LENGTH)
    ends = lib.cumsum(ctx, repeats, 0)
    position = insertion_point(ctx, ends, lib.arange(ctx, output_size), right=True)
    return ctx.tensor(position, ctx.call.result.dtype)
