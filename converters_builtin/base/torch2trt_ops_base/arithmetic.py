"""Sums, differences and products with PyTorch's type promotion."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, elementwise, named

E = trt.ElementWiseOperation


def _sum(name: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any, alpha: float = 1) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        if alpha != 1:
            other = elementwise(ctx, E.PROD, other, alpha, dtype)
        return elementwise(ctx, op, input, other, dtype)

    return named(name, f"aten.{name}.Tensor", f"aten.{name}.Scalar")(convert)


add, sub = _sum("add", E.SUM), _sum("sub", E.SUB)


@converter("aten.mul.Tensor", "aten.mul.Scalar")
def mul(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    """mul.Tensor(Tensor self, Tensor other) -> Tensor"""
    return elementwise(ctx, E.PROD, input, other, ctx.call.result.dtype)
