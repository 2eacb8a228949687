"""The logarithm of the gamma function and its derivatives."""

from __future__ import annotations

import functools
import math

import torch
from torch2trt import Context, lib, trt

from .approximations import Polynomial, horner

#: the logarithm of gamma is 0 at 1 and at 2, where its digits are those of the factors; with an odd degree no node is 2
_LGAMMA_SMALL = Polynomial(lambda x: torch.lgamma(x) / ((x - 1) * (x - 2)), 1.0, 3.0, 13)
_LGAMMA_MIDDLE = Polynomial(torch.lgamma, 3.0, 8.0, 11)


def lgamma(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    """``torch.lgamma(x)``."""
    negative, below_one = lib.le(ctx, x, 0.0), lib.lt(ctx, x, 1.0)
    step = lib.add(ctx, x, 1.0)
    argument = lib.where(ctx, negative, lib.sub(ctx, 1.0, x), lib.where(ctx, below_one, step, x))
    value = _lgamma_from_one(ctx, argument)
    # lgamma(x + 1) = lgamma(x) + log(x), and lgamma(x) + lgamma(1 - x) = log(pi / |sin(pi * x)|)
    sine = lib.sin(ctx, lib.mul(ctx, lib.abs(ctx, _to_nearest(ctx, x)), math.pi))
    mirrored = lib.sub(ctx, lib.sub(ctx, math.log(math.pi), lib.log(ctx, sine)), value)
    stepped = lib.sub(ctx, value, lib.log(ctx, x))
    result = lib.where(ctx, negative, mirrored, lib.where(ctx, below_one, stepped, value))
    pole = lib.logical_and(ctx, negative, lib.eq(ctx, x, lib.round(ctx, x)))
    return lib.where(ctx, lib.logical_or(ctx, pole, lib.isinf(ctx, x)), math.inf, result)


def _lgamma_from_one(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    factors = lib.mul(ctx, lib.sub(ctx, x, 1.0), lib.sub(ctx, x, 2.0))
    small = lib.mul(ctx, factors, _LGAMMA_SMALL(ctx, x))
    middle = _LGAMMA_MIDDLE(ctx, x)
    # Stirling's series
    inverse = lib.reciprocal(ctx, x)
    series = horner(ctx, lib.mul(ctx, inverse, inverse), [1 / 12, -1 / 360, 1 / 1260])
    logarithm = lib.sub(ctx, lib.log(ctx, x), 1.0)
    large = lib.add(ctx, lib.mul(ctx, lib.sub(ctx, x, 0.5), logarithm), 0.5 * math.log(2 * math.pi) - 0.5)
    large = lib.add(ctx, large, lib.mul(ctx, series, inverse))
    return lib.where(ctx, lib.lt(ctx, x, 3.0), small, lib.where(ctx, lib.lt(ctx, x, 8.0), middle, large))


def _to_nearest(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    """What is beyond the nearest whole number: exact, where pi * x is not."""
    return lib.sub(ctx, x, lib.round(ctx, x))


def _shifted_sum(ctx: Context, x: trt.ITensor, power: int) -> trt.ITensor:
    """The powers of 1 / x, 1 / (x + 1), … 1 / (x + 5)."""
    inverses = [lib.reciprocal(ctx, lib.add(ctx, x, float(step))) for step in range(6)]
    terms = inverses if power == 1 else [lib.mul(ctx, inverse, inverse) for inverse in inverses]
    return functools.reduce(lambda one, other: lib.add(ctx, one, other), terms[::-1])


def digamma(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    """``torch.digamma(x)``."""
    negative = lib.lt(ctx, x, 0.0)
    argument = lib.where(ctx, negative, lib.sub(ctx, 1.0, x), x)
    small = lib.lt(ctx, argument, 6.0)
    shifted = lib.where(ctx, small, lib.add(ctx, argument, 6.0), argument)
    inverse = lib.reciprocal(ctx, shifted)
    square = lib.mul(ctx, inverse, inverse)
    series = lib.mul(ctx, square, horner(ctx, square, [1 / 12, -1 / 120, 1 / 252]))
    value = lib.sub(ctx, lib.sub(ctx, lib.log(ctx, shifted), lib.mul(ctx, inverse, 0.5)), series)
    value = lib.sub(ctx, value, lib.where(ctx, small, _shifted_sum(ctx, argument, 1), 0.0))
    rest = _to_nearest(ctx, x)
    angle = lib.mul(ctx, rest, math.pi)
    cotangent = lib.div(ctx, lib.cos(ctx, angle), lib.sin(ctx, angle))
    mirrored = lib.sub(ctx, value, lib.mul(ctx, cotangent, math.pi))
    mirrored = lib.where(ctx, lib.eq(ctx, rest, 0.0), math.nan, mirrored)
    at_zero = lib.neg(ctx, lib.reciprocal(ctx, x))
    return lib.where(ctx, lib.eq(ctx, x, 0.0), at_zero, lib.where(ctx, negative, mirrored, value))


def trigamma(ctx: Context, x: trt.ITensor) -> trt.ITensor:
    """``torch.polygamma(1, x)``."""
    mirrors = lib.lt(ctx, x, 0.5)
    argument = lib.where(ctx, mirrors, lib.sub(ctx, 1.0, x), x)
    inverse = lib.reciprocal(ctx, lib.add(ctx, argument, 6.0))
    square = lib.mul(ctx, inverse, inverse)
    series = lib.mul(ctx, inverse, horner(ctx, square, [1 / 6, -1 / 30, 1 / 42]))
    series = lib.add(ctx, lib.mul(ctx, lib.add(ctx, series, 0.5), inverse), 1.0)
    value = lib.add(ctx, lib.mul(ctx, series, inverse), _shifted_sum(ctx, argument, 2))
    sine = lib.sin(ctx, lib.mul(ctx, _to_nearest(ctx, x), math.pi))
    ratio = lib.div(ctx, math.pi, sine)
    return lib.where(ctx, mirrors, lib.sub(ctx, lib.mul(ctx, ratio, ratio), value), value)
