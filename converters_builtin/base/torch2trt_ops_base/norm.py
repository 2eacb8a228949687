"""The norm of a difference; other norms are taken apart by PyTorch."""

from __future__ import annotations

import math
from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import cast, compare, elementwise, opmath, reduce, unary

E, R, U = trt.ElementWiseOperation, trt.ReduceOperation, trt.UnaryOperation


@converter("aten.dist.default")
def dist(ctx: Context, input: Any, other: Any, p: float = 2) -> trt.ITensor:
    """dist(Tensor self, Tensor other, Scalar p=2) -> Tensor"""
    dtype = ctx.call.result.dtype
    wide = opmath(dtype)
    size = unary(ctx, U.ABS, elementwise(ctx, E.SUB, input, other, wide))
    if p == 0:
        result = reduce(ctx, R.SUM, compare(ctx, E.EQUAL, size, 0, negate=True), dtype=wide)
    elif math.isinf(p):
        result = reduce(ctx, R.MAX if p > 0 else R.MIN, size)
    elif p == 1:
        result = reduce(ctx, R.SUM, size)
    elif p == 2:
        result = unary(ctx, U.SQRT, reduce(ctx, R.SUM, elementwise(ctx, E.PROD, size, size)))
    else:
        result = elementwise(ctx, E.POW, reduce(ctx, R.SUM, elementwise(ctx, E.POW, size, p)), 1 / p)
    return cast(ctx, result, dtype)
