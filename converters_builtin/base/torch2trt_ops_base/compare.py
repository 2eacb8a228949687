"""Comparisons and choices."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import compare, select

from ._family import Converter, named

E = trt.ElementWiseOperation


def _comparison(name: str, op: trt.ElementWiseOperation, negate: bool = False) -> Converter:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return compare(ctx, op, input, other, negate)

    return named(name, f"aten.{name}.Tensor", f"aten.{name}.Scalar")(convert)


eq, ne = _comparison("eq", E.EQUAL), _comparison("ne", E.EQUAL, negate=True)
lt, gt = _comparison("lt", E.LESS), _comparison("gt", E.GREATER)
# TensorRT has no "or equal"; with NaN the opposite of the strict comparison differs from PyTorch's
le, ge = _comparison("le", E.GREATER, negate=True), _comparison("ge", E.LESS, negate=True)


@converter("aten.where.self", "aten.where.ScalarOther", "aten.where.ScalarSelf", "aten.where.Scalar")
def where(ctx: Context, condition: Any, input: Any, other: Any) -> trt.ITensor:
    """where.self(Tensor condition, Tensor self, Tensor other) -> Tensor"""
    return select(ctx, condition, input, other, ctx.call.result.dtype)


@converter("aten.masked_fill.Scalar", "aten.masked_fill.Tensor")
def masked_fill(ctx: Context, input: Any, mask: Any, value: Any) -> trt.ITensor:
    """masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor"""
    return select(ctx, mask, value, input, ctx.call.result.dtype)
