"""Matrix products."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import elementwise, matmul

E = trt.ElementWiseOperation


@converter("aten.linear.default")
def linear(ctx: Context, input: trt.ITensor, weight: Any, bias: Any = None) -> trt.ITensor:
    """linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor"""
    product = matmul(ctx, input, weight, transpose_other=True)
    return product if bias is None else elementwise(ctx, E.SUM, product, bias)


@converter("aten.mm.default", "aten.bmm.default", "aten.matmul.default", "aten.mv.default", "aten.dot.default")
def mm(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    """mm(Tensor self, Tensor mat2) -> Tensor"""
    return matmul(ctx, input, other)


@converter("aten.addmm.default", "aten.baddbmm.default")
def addmm(ctx: Context, input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> trt.ITensor:
    """addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor"""
    product = matmul(ctx, mat1, mat2)
    if alpha != 1:
        product = elementwise(ctx, E.PROD, product, alpha)
    if beta == 0:
        return product
    return elementwise(ctx, E.SUM, product, input if beta == 1 else elementwise(ctx, E.PROD, input, beta))
