"""Mathematical functions that take several layers, computed in float32 for 16-bit numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from . import bessel, error_functions, gamma

Formula = Callable[[Context, trt.ITensor], trt.ITensor]
FormulaOfTwo = Callable[[Context, trt.ITensor, trt.ITensor], trt.ITensor]


def _formula(name: str, formula: Formula) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        return ctx.tensor(formula(ctx, ctx.tensor(input, lib.opmath(dtype))), dtype)

    return converter(f"aten.{name}.default", name=name)(convert)


def _formula_of_two(name: str, formula: FormulaOfTwo, *overloads: str) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        wide = lib.opmath(dtype)
        return ctx.tensor(formula(ctx, ctx.tensor(input, wide), ctx.tensor(other, wide)), dtype)

    return converter(*(f"aten.{name}.{overload}" for overload in overloads), name=name)(convert)


def _expm1(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    # tanh(x / 2) * (exp(x) + 1): nothing cancels near zero
    return lib.mul(ctx, lib.tanh(ctx, lib.mul(ctx, x, 0.5)), lib.add(ctx, lib.exp(ctx, x), 1.0))


def _log1p(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    # the error of rounding 1 + x stands in log's numerator and denominator alike
    rounded = lib.add(ctx, x, 1.0)
    ratio = lib.div(ctx, x, lib.sub(ctx, rounded, 1.0))
    tiny, infinite = lib.eq(ctx, rounded, 1.0), lib.eq(ctx, x, math.inf)
    return lib.where(ctx, lib.logical_or(ctx, tiny, infinite), x, lib.mul(ctx, lib.log(ctx, rounded), ratio))


def _logarithm(base: float) -> Formula:
    def logarithm(ctx: Context, x: trt.ITensor) -> trt.ITensor:
        return lib.div(ctx, lib.log(ctx, x), math.log(base))

    return logarithm


def _erfc(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    # exact to the last digit of 1; what is left beyond 4 is lost
    return lib.sub(ctx, 1.0, lib.erf(ctx, x))


expm1, log1p, erfc = _formula("expm1", _expm1), _formula("log1p", _log1p), _formula("erfc", _erfc)
erfinv, erfcx = _formula("erfinv", error_functions.erfinv), _formula("special_erfcx", error_functions.erfcx)
lgamma, digamma = _formula("lgamma", gamma.lgamma), _formula("digamma", gamma.digamma)
i0, i0e = _formula("i0", bessel.i0), _formula("special_i0e", bessel.i0e)
i1, i1e = _formula("special_i1", bessel.i1), _formula("special_i1e", bessel.i1e)
log2, log10 = _formula("log2", _logarithm(2)), _formula("log10", _logarithm(10))


def _high_order(n: int) -> str | None:
    return None if n in (0, 1) else f"of polygamma the orders 0 and 1 are worked out, this is {n}"


@converter("aten.polygamma.default", rejects=_high_order)
def polygamma(ctx: Context, n: int, input: trt.ITensor) -> trt.ITensor:
    """polygamma(int n, Tensor self) -> Tensor

    Of order 1 it is infinite at -1, -2, …, where PyTorch gives large numbers.
    """
    dtype = ctx.call.result.dtype
    x = ctx.tensor(input, lib.opmath(dtype))
    return ctx.tensor((gamma.trigamma if n else gamma.digamma)(ctx, x), dtype)


@converter("aten.angle.default")
def angle(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """angle(Tensor self) -> Tensor"""
    dtype = ctx.call.result.dtype
    x = ctx.tensor(input, dtype)
    return lib.where(ctx, lib.isnan(ctx, x), x, lib.where(ctx, lib.lt(ctx, x, 0), math.pi, 0.0, dtype), dtype)


@converter("aten.signbit.default")
def signbit(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """signbit(Tensor self) -> Tensor"""
    negative = lib.lt(ctx, input, 0)
    if not lib.dtype_of(input).is_floating_point:
        return negative
    # the reciprocal of -0 is -inf
    return lib.logical_or(ctx, negative, lib.lt(ctx, lib.reciprocal(ctx, input), 0))


def _copysign(ctx: Context, x: trt.ITensor, sign: trt.ITensor) -> trt.ITensor:
    magnitude = lib.abs(ctx, x)
    return lib.where(ctx, signbit(ctx, sign), lib.neg(ctx, magnitude), magnitude)


def _hypot(ctx: Context, x: trt.ITensor, y: trt.ITensor) -> trt.ITensor:
    width, height = lib.abs(ctx, x), lib.abs(ctx, y)
    larger, smaller = lib.maximum(ctx, width, height), lib.minimum(ctx, width, height)
    # squares might overflow
    ratio = lib.where(ctx, lib.eq(ctx, larger, 0), 0, lib.div(ctx, smaller, larger))
    length = lib.mul(ctx, larger, lib.sqrt(ctx, lib.add(ctx, lib.mul(ctx, ratio, ratio), 1)))
    infinite = lib.logical_or(ctx, lib.isinf(ctx, x), lib.isinf(ctx, y))
    return lib.where(ctx, infinite, math.inf, length)


def _atan2(ctx: Context, y: trt.ITensor, x: trt.ITensor) -> trt.ITensor:
    height, width = lib.abs(ctx, y), lib.abs(ctx, x)
    # 0 / 0 is 0 here, and two infinities have the ratio 1
    ratio = lib.where(ctx, lib.eq(ctx, height, width), 1.0, lib.div(ctx, height, width))
    angle = lib.atan(ctx, lib.where(ctx, lib.eq(ctx, height, 0.0), 0.0, ratio))
    result = _copysign(ctx, lib.where(ctx, signbit(ctx, x), lib.sub(ctx, math.pi, angle), angle), y)
    return lib.where(ctx, lib.isnan(ctx, x), x, result)


copysign = _formula_of_two("copysign", _copysign, "Tensor", "Scalar")
hypot, atan2 = _formula_of_two("hypot", _hypot, "default"), _formula_of_two("atan2", _atan2, "default")
