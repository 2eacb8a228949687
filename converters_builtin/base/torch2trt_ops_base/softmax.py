"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import cast, elementwise, opmath, reduce, softmax, unary

E, R, U = trt.ElementWiseOperation, trt.ReduceOperation, trt.UnaryOperation


@converter("aten._softmax.default")
def softmax_(ctx: Context, input: Any, dim: int, half_to_float: bool) -> trt.ITensor:
    """_softmax(Tensor self, int dim, bool half_to_float) -> Tensor"""
    return softmax(ctx, input, dim, ctx.call.result.dtype)


@converter("aten._log_softmax.default")
def log_softmax(ctx: Context, input: Any, dim: int, half_to_float: bool) -> trt.ITensor:
    """_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor"""
    dtype = ctx.call.result.dtype
    number = cast(ctx, input, opmath(dtype))
    # softmax itself may round to zero, whose logarithm is infinite
    below = elementwise(ctx, E.SUB, number, reduce(ctx, R.MAX, number, dim, True))
    total = reduce(ctx, R.SUM, unary(ctx, U.EXP, below), dim, True)
    return cast(ctx, elementwise(ctx, E.SUB, below, unary(ctx, U.LOG, total)), dtype)
