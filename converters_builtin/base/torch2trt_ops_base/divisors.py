"""Greatest common divisors and least common multiples, by Euclid's algorithm in as many steps as the dtype may take.

With remainders of the least magnitude these are 25 for int32 and 50 for int64, of some eight layers each.
"""

from __future__ import annotations

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

_STEPS = {torch.int32: 25, torch.int64: 50}


def _greatest(ctx: Context, input: Value, other: Value, dtype: torch.dtype) -> trt.ITensor:
    first, second = lib.abs(ctx, input, dtype), lib.abs(ctx, other, dtype)
    for _ in range(_STEPS[dtype]):
        divisor = lib.maximum(ctx, second, 1, dtype)
        rest = lib.sub(ctx, first, lib.mul(ctx, lib.floor_divide(ctx, first, divisor, dtype), divisor))
        least = lib.minimum(ctx, rest, lib.sub(ctx, divisor, rest))
        ended = lib.eq(ctx, second, 0)
        first, second = lib.where(ctx, ended, first, second), lib.where(ctx, ended, 0, least, dtype)
    return first


@converter("aten.gcd.default")
def gcd(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """gcd(Tensor self, Tensor other) -> Tensor"""
    return _greatest(ctx, input, other, ctx.call.result.dtype)


@converter("aten.lcm.default")
def lcm(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """lcm(Tensor self, Tensor other) -> Tensor"""
    dtype = ctx.call.result.dtype
    divisor = lib.maximum(ctx, _greatest(ctx, input, other, dtype), 1, dtype)
    return lib.abs(ctx, lib.mul(ctx, lib.floor_divide(ctx, input, divisor, dtype), other, dtype))
