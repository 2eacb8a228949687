"""Softmax and its logarithm."""

from __future__ import annotations

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

MAX = trt.ReduceOperation.MAX


@converter("aten._softmax.default")
def softmax(ctx: Context, input: Value, dim: int, half_to_float: bool) -> trt.ITensor:
    """_softmax(Tensor self, int dim, bool half_to_float) -> Tensor"""
    return lib.softmax(ctx, input, dim, ctx.call.result.dtype)


@converter("aten._log_softmax.default")
def log_softmax(ctx: Context, input: Value, dim: int, half_to_float: bool) -> trt.ITensor:
    """_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor"""
    dtype = ctx.call.result.dtype
    tensor = ctx.tensor(input, lib.opmath(dtype))
    # softmax itself may round to zero, whose logarithm is infinite
    shifted = lib.sub(ctx, tensor, lib.reduce(ctx, MAX, tensor, dim, keepdim=True))
    total = lib.sum(ctx, lib.exp(ctx, shifted), dim, keepdim=True)
    return ctx.tensor(lib.sub(ctx, shifted, lib.log(ctx, total)), dtype)
