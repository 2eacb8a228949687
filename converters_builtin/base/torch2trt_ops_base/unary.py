"""Mathematical functions that are one layer of TensorRT."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import compare, dtype_of, unary

from ._family import Converter, named

U = trt.UnaryOperation


def _same(name: str, op: trt.UnaryOperation) -> Converter:
    """The result has the input's dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return input if dtype_of(input) is torch.bool else unary(ctx, op, input)

    return named(name, f"aten.{name}.default")(convert)


def _floating(name: str, op: trt.UnaryOperation) -> Converter:
    """Integers are computed in PyTorch's default dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return unary(ctx, op, input, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


neg, abs_, sign = _same("neg", U.NEG), _same("abs", U.ABS), _same("sign", U.SIGN)
exp, log, sqrt = _floating("exp", U.EXP), _floating("log", U.LOG), _floating("sqrt", U.SQRT)
reciprocal, erf = _floating("reciprocal", U.RECIP), _floating("erf", U.ERF)
sin, cos, tan = _floating("sin", U.SIN), _floating("cos", U.COS), _floating("tan", U.TAN)
asin, acos, atan = _floating("asin", U.ASIN), _floating("acos", U.ACOS), _floating("atan", U.ATAN)
sinh, cosh = _floating("sinh", U.SINH), _floating("cosh", U.COSH)
asinh, acosh, atanh = _floating("asinh", U.ASINH), _floating("acosh", U.ACOSH), _floating("atanh", U.ATANH)


@converter("aten.rsqrt.default")
def rsqrt(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """rsqrt(Tensor self) -> Tensor"""
    return unary(ctx, U.RECIP, unary(ctx, U.SQRT, input, ctx.call.result.dtype))


def _classification(name: str, op: trt.UnaryOperation) -> Converter:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        if dtype_of(input).is_floating_point:
            return unary(ctx, op, input)
        # false for every integer
        return compare(ctx, trt.ElementWiseOperation.EQUAL, input, input, negate=True)

    return named(name, f"aten.{name}.default")(convert)


isnan, isinf = _classification("isnan", U.ISNAN), _classification("isinf", U.ISINF)
