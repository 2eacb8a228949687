"""Unary mathematics."""

from __future__ import annotations

import torch
from torch2trt import Context, trt
from torch2trt.lib import dtype_of, unary

from ._family import Converter, named

U = trt.UnaryOperation


def _same(name: str, op: trt.UnaryOperation) -> Converter:
    """The result has the input's dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return unary(ctx, op, input)

    return named(name, f"aten.{name}.default")(convert)


def _floating(name: str, op: trt.UnaryOperation) -> Converter:
    """Integers are computed in PyTorch's default dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        result = ctx.call.result.dtype
        return unary(ctx, op, input, result)

    return named(name, f"aten.{name}.default")(convert)


def _integral(name: str, op: trt.UnaryOperation) -> Converter:
    """Integers are returned as they are; TensorRT rounds floating-point numbers only."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return unary(ctx, op, input) if dtype_of(input).is_floating_point else input

    return named(name, f"aten.{name}.default")(convert)


neg, abs_, sign = _same("neg", U.NEG), _same("abs", U.ABS), _same("sign", U.SIGN)
exp, log, sqrt = _floating("exp", U.EXP), _floating("log", U.LOG), _floating("sqrt", U.SQRT)
reciprocal, erf = _floating("reciprocal", U.RECIP), _floating("erf", U.ERF)
sin, cos, tan = _floating("sin", U.SIN), _floating("cos", U.COS), _floating("tan", U.TAN)
asin, acos, atan = _floating("asin", U.ASIN), _floating("acos", U.ACOS), _floating("atan", U.ATAN)
sinh, cosh = _floating("sinh", U.SINH), _floating("cosh", U.COSH)
asinh, acosh, atanh = _floating("asinh", U.ASINH), _floating("acosh", U.ACOSH), _floating("atanh", U.ATANH)
floor, ceil, round_ = _integral("floor", U.FLOOR), _integral("ceil", U.CEIL), _integral("round", U.ROUND)


def _rsqrt(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    root = unary(ctx, U.SQRT, input, ctx.call.result.dtype)
    return unary(ctx, U.RECIP, root)


rsqrt = named("rsqrt", "aten.rsqrt.default")(_rsqrt)


def _logical_not(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    return unary(ctx, U.NOT, input, torch.bool)


logical_not = named("logical_not", "aten.logical_not.default")(_logical_not)
