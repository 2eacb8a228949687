"""Mathematical functions that are one layer of TensorRT."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch2trt import Context, converter, lib, trt

U = trt.UnaryOperation


def _same(name: str, op: trt.UnaryOperation) -> Callable[..., trt.ITensor]:
    """The result has the input's dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return lib.unary(ctx, op, input)

    return converter(f"aten.{name}.default", name=name)(convert)


def _floating(name: str, op: trt.UnaryOperation) -> Callable[..., trt.ITensor]:
    """Integers are computed in PyTorch's default dtype."""

    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return lib.unary(ctx, op, input, ctx.call.result.dtype)

    return converter(f"aten.{name}.default", name=name)(convert)


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
    return input if lib.dtype_of(input) is torch.bool else lib.sign(ctx, input)


@converter("aten.rsqrt.default")
def rsqrt(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """rsqrt(Tensor self) -> Tensor"""
    return lib.rsqrt(ctx, input, ctx.call.result.dtype)


def _classification(name: str, op: trt.UnaryOperation) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        if lib.dtype_of(input).is_floating_point:
            return lib.unary(ctx, op, input)
        # false for every integer
        return lib.ne(ctx, input, input)

    return converter(f"aten.{name}.default", name=name)(convert)


isnan, isinf = _classification("isnan", U.ISNAN), _classification("isinf", U.ISINF)
