"""Matrix products."""

from __future__ import annotations

from collections.abc import Callable

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value


@converter("aten.matmul.default", "aten.mm.default", "aten.bmm.default", "aten.mv.default", "aten.dot.default")
def matmul(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """matmul(Tensor self, Tensor other) -> Tensor"""
    if lib.result_type(input, other).is_floating_point:
        return lib.matmul(ctx, input, other)
    # TensorRT multiplies floating-point matrices only
    vectors = [lib.ndim_of(input) == 1, lib.ndim_of(other) == 1]
    rows = lib.unsqueeze(ctx, input, [0]) if vectors[0] else ctx.tensor(input)
    columns = lib.unsqueeze(ctx, other, [1]) if vectors[1] else ctx.tensor(other)
    ndim = max(len(rows.shape), len(columns.shape))
    rows, columns = ctx.tensor(rows, ndim=ndim), ctx.tensor(columns, ndim=ndim)
    terms = lib.mul(ctx, lib.unsqueeze(ctx, rows, [ndim]), lib.unsqueeze(ctx, columns, [ndim - 2]))
    product = lib.sum(ctx, terms, ndim - 1)
    return lib.squeeze(ctx, product, [ndim - 2 + index for index, vector in enumerate(vectors) if vector])


def _sum_of_products(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    return lib.sum(ctx, matmul(ctx, input, other), 0)


def _added(name: str, multiply: Callable[[Context, Value, Value], trt.ITensor] = matmul) -> Callable[..., trt.ITensor]:
    """``beta * input + alpha * product``."""

    def convert(
        ctx: Context, input: Value, first: Value, second: Value, *, beta: float = 1, alpha: float = 1
    ) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        wide = dtype if alpha == beta == 1 else lib.opmath(dtype)
        product = multiply(ctx, first, second)
        if alpha != 1:
            product = lib.mul(ctx, product, alpha, wide)
        if beta != 0:  # else PyTorch does not look at the input, not even at its NaNs
            product = lib.add(ctx, product, input if beta == 1 else lib.mul(ctx, input, beta, wide), wide)
        return ctx.tensor(product, dtype)

    return converter(f"aten.{name}.default", name=name)(convert)


addmm, addmv = _added("addmm"), _added("addmv")
addbmm = _added("addbmm", _sum_of_products)


@converter("aten.linear.default")
def linear(ctx: Context, input: Value, weight: Value, bias: Value | None = None) -> trt.ITensor:
    """linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor"""
    if lib.result_type(input, weight).is_floating_point:
        product = lib.matmul(ctx, input, weight, transpose_other=True)
    else:
        product = matmul(ctx, input, lib.permute(ctx, weight, range(lib.ndim_of(weight))[::-1]))
    return product if bias is None else lib.add(ctx, product, bias)


@converter("aten.bilinear.default")
def bilinear(ctx: Context, input1: Value, input2: Value, weight: Value, bias: Value | None = None) -> trt.ITensor:
    """bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor"""
    ndim = lib.ndim_of(input1)
    row = lib.unsqueeze(ctx, input1, [ndim - 1, ndim])  # (..., 1, 1, in1)
    column = lib.unsqueeze(ctx, input2, [ndim - 1, ndim + 1])  # (..., 1, in2, 1)
    form = lib.matmul(ctx, lib.matmul(ctx, row, weight), column)  # (..., out, 1, 1)
    product = lib.squeeze(ctx, form, [ndim, ndim + 1])
    return product if bias is None else lib.add(ctx, product, bias)
