"""Mathematical functions that take several layers, computed in float32 for 16-bit numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import (
    ConverterFunction,
    activation,
    cast,
    compare,
    dtype_of,
    elementwise,
    named,
    opmath,
    select,
    unary,
)

E, U = trt.ElementWiseOperation, trt.UnaryOperation


def _formula(name: str, formula: Callable[..., trt.ITensor]) -> ConverterFunction:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        return cast(ctx, formula(ctx, cast(ctx, input, opmath(dtype))), dtype)

    return named(name, f"aten.{name}.default")(convert)


def _formula_of_two(name: str, formula: Callable[..., trt.ITensor], *overloads: str) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        wide = opmath(dtype)
        return cast(ctx, formula(ctx, cast(ctx, input, wide), cast(ctx, other, wide)), dtype)

    return named(name, *(f"aten.{name}.{overload}" for overload in overloads))(convert)


def _expm1(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    # tanh(x / 2) * (exp(x) + 1): nothing cancels near zero
    half = activation(ctx, trt.ActivationType.TANH, elementwise(ctx, E.PROD, x, 0.5))
    return elementwise(ctx, E.PROD, half, elementwise(ctx, E.SUM, unary(ctx, U.EXP, x), 1.0))


def _log1p(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    # the error of rounding 1 + x stands in log's numerator and denominator alike
    rounded = elementwise(ctx, E.SUM, x, 1.0)
    ratio = elementwise(ctx, E.DIV, x, elementwise(ctx, E.SUB, rounded, 1.0))
    tiny, infinite = compare(ctx, E.EQUAL, rounded, 1.0), compare(ctx, E.EQUAL, x, math.inf)
    plain = elementwise(ctx, E.OR, tiny, infinite)
    return select(ctx, plain, x, elementwise(ctx, E.PROD, unary(ctx, U.LOG, rounded), ratio))


def _logarithm(base: float) -> Callable[..., trt.ITensor]:
    def logarithm(ctx: Context, x: trt.ITensor) -> trt.ITensor:
        return elementwise(ctx, E.DIV, unary(ctx, U.LOG, x), math.log(base))

    return logarithm


def _erfc(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    # exact to the last digit of 1; what is left beyond 4 is lost
    return elementwise(ctx, E.SUB, 1.0, unary(ctx, U.ERF, x))


expm1, log1p, erfc = _formula("expm1", _expm1), _formula("log1p", _log1p), _formula("erfc", _erfc)
log2, log10 = _formula("log2", _logarithm(2)), _formula("log10", _logarithm(10))


@converter("aten.signbit.default")
def signbit(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """signbit(Tensor self) -> Tensor"""
    below = compare(ctx, E.LESS, input, 0)
    if not dtype_of(input).is_floating_point:
        return below
    return elementwise(ctx, E.OR, below, compare(ctx, E.LESS, unary(ctx, U.RECIP, input), 0))  # -0


def _copysign(ctx: Context, x: trt.ITensor, sign: trt.ITensor) -> trt.ITensor:
    magnitude = unary(ctx, U.ABS, x)
    return select(ctx, signbit(ctx, sign), unary(ctx, U.NEG, magnitude), magnitude)


def _hypot(ctx: Context, x: trt.ITensor, y: trt.ITensor) -> trt.ITensor:
    squares = elementwise(ctx, E.SUM, elementwise(ctx, E.PROD, x, x), elementwise(ctx, E.PROD, y, y))
    return unary(ctx, U.SQRT, squares)


def _atan2(ctx: Context, y: trt.ITensor, x: trt.ITensor) -> trt.ITensor:
    height, width = unary(ctx, U.ABS, y), unary(ctx, U.ABS, x)
    # 0 / 0 is 0 here, and two infinities have the ratio 1
    ratio = select(ctx, compare(ctx, E.EQUAL, height, width), 1.0, elementwise(ctx, E.DIV, height, width), dtype_of(x))
    ratio = select(ctx, compare(ctx, E.EQUAL, height, 0.0), 0.0, ratio, dtype_of(x))
    angle = unary(ctx, U.ATAN, ratio)
    left = elementwise(ctx, E.SUB, math.pi, angle)
    return _copysign(ctx, select(ctx, signbit(ctx, x), left, angle), y)


copysign = _formula_of_two("copysign", _copysign, "Tensor", "Scalar")
hypot, atan2 = _formula_of_two("hypot", _hypot, "default"), _formula_of_two("atan2", _atan2, "default")
