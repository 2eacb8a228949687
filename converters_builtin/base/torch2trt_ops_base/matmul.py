"""Matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import (
    ConverterFunction,
    elementwise,
    matmul,
    named,
    ndim_of,
    permute,
    promoted,
    reduce,
    squeeze,
    unsqueeze,
)

E = trt.ElementWiseOperation


def _product(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    """The matrix product in any dtype; a rank of 1 is a vector."""
    dtype = promoted(input, other)
    if dtype.is_floating_point:
        return matmul(ctx, input, other)
    # TensorRT multiplies floating-point matrices only
    vectors = [ndim_of(input) == 1, ndim_of(other) == 1]
    rows = unsqueeze(ctx, input, [0]) if vectors[0] else ctx.tensor(input)
    columns = unsqueeze(ctx, other, [1]) if vectors[1] else ctx.tensor(other)
    ndim = max(len(rows.shape), len(columns.shape))
    rows, columns = ctx.tensor(rows, ndim=ndim), ctx.tensor(columns, ndim=ndim)
    terms = elementwise(ctx, E.PROD, unsqueeze(ctx, rows, [ndim]), unsqueeze(ctx, columns, [ndim - 2]))
    product = reduce(ctx, trt.ReduceOperation.SUM, terms, ndim - 1)
    return squeeze(ctx, product, [ndim - 2 + index for index, vector in enumerate(vectors) if vector])


def _plain(name: str) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return _product(ctx, input, other)

    return named(name, f"aten.{name}.default")(convert)


mm, bmm, mv, dot, matmul_ = _plain("mm"), _plain("bmm"), _plain("mv"), _plain("dot"), _plain("matmul")


def _sum_of_products(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    return reduce(ctx, trt.ReduceOperation.SUM, _product(ctx, input, other), 0)


def _added(name: str, product: Callable[[Context, Any, Any], trt.ITensor] = _product) -> ConverterFunction:
    """``beta * input + alpha * product``."""

    def convert(ctx: Context, input: Any, first: Any, second: Any, *, beta: float = 1, alpha: float = 1) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        result = product(ctx, first, second)
        if alpha != 1:
            result = elementwise(ctx, E.PROD, result, alpha, dtype)
        if beta == 0:  # PyTorch does not look at the input then, not even at its NaNs
            return result
        return elementwise(ctx, E.SUM, result, input if beta == 1 else elementwise(ctx, E.PROD, input, beta, dtype))

    return named(name, f"aten.{name}.default")(convert)


addmm, addmv = _added("addmm"), _added("addmv")
addbmm = _added("addbmm", _sum_of_products)


@converter("aten.linear.default")
def linear(ctx: Context, input: trt.ITensor, weight: Any, bias: Any = None) -> trt.ITensor:
    """linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor"""
    if promoted(input, weight).is_floating_point:
        product = matmul(ctx, input, weight, transpose_other=True)
    else:
        product = _product(ctx, input, permute(ctx, weight, range(ndim_of(weight))[::-1]))
    return product if bias is None else elementwise(ctx, E.SUM, product, bias)


@converter("aten.bilinear.default")
def bilinear(ctx: Context, input1: Any, input2: Any, weight: Any, bias: Any = None) -> trt.ITensor:
    """bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor"""
    ndim = ndim_of(input1)
    row = unsqueeze(ctx, input1, [ndim - 1, ndim])  # (..., 1, 1, in1)
    column = unsqueeze(ctx, input2, [ndim - 1, ndim + 1])  # (..., 1, in2, 1)
    form = matmul(ctx, matmul(ctx, row, weight), column)  # (..., out, 1, 1)
    product = squeeze(ctx, form, [ndim, ndim + 1])
    return product if bias is None else elementwise(ctx, E.SUM, product, bias)
