"""Mathematical functions that are one layer of TensorRT."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, compare, dtype_of, named, select, unary

U = trt.UnaryOperation


def _same(name: str, op: trt.UnaryOperation) -> ConverterFunction:
    """The result has the input's dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return unary(ctx, op, input)

    return named(name, f"aten.{name}.default")(convert)


def _floating(name: str, op: trt.UnaryOperation) -> ConverterFunction:
    """Integers are computed in PyTorch's default dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return unary(ctx, op, input, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


neg, abs_ = _same("neg", U.NEG), _same("abs", U.ABS)
exp, log, sqrt = _floating("exp", U.EXP), _floating("log", U.LOG), _floating("sqrt", U.SQRT)
reciprocal, erf = _floating("reciprocal", U.RECIP), _floating("erf", U.ERF)
sin, cos, tan = _floating("sin", U.SIN), _floating("cos", U.COS), _floating("tan", U.TAN)
asin, acos, atan = _floating("asin", U.ASIN), _floating("acos", U.ACOS), _floating("atan", U.ATAN)
sinh, cosh = _floating("sinh", U.SINH), _floating("cosh", U.COSH)
asinh, acosh, atanh = _floating("asinh", U.ASINH), _floating("acosh", U.ACOSH), _floating("atanh", U.ATANH)


@converter("aten.sign.default")
def sign(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """sign(Tensor self) -> Tensor"""
    dtype = dtype_of(input)
    if dtype is torch.bool:
        return input
    result = unary(ctx, U.SIGN, input)
    # NaN has the sign 0 in PyTorch, and NaN in TensorRT
    return select(ctx, unary(ctx, U.ISNAN, input), 0, result, dtype) if dtype.is_floating_point else result


@converter("aten.rsqrt.default")
def rsqrt(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """rsqrt(Tensor self) -> Tensor"""
    return unary(ctx, U.RECIP, unary(ctx, U.SQRT, input, ctx.call.result.dtype))


def _classification(name: str, op: trt.UnaryOperation) -> ConverterFunction:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        if dtype_of(input).is_floating_point:
            return unary(ctx, op, input)
        # false for every integer
        return compare(ctx, trt.ElementWiseOperation.EQUAL, input, input, negate=True)

    return named(name, f"aten.{name}.default")(convert)


isnan, isinf = _classification("isnan", U.ISNAN), _classification("isinf", U.ISINF)
