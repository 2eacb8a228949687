"""Rounding; integers are returned as they are, since TensorRT rounds floating-point numbers only."""

from __future__ import annotations

from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, cast, dtype_of, elementwise, named, opmath, unary

E, U = trt.ElementWiseOperation, trt.UnaryOperation


def _rounding(name: str, op: trt.UnaryOperation) -> ConverterFunction:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return unary(ctx, op, input) if dtype_of(input).is_floating_point else input

    return named(name, f"aten.{name}.default")(convert)


floor, ceil, round_ = _rounding("floor", U.FLOOR), _rounding("ceil", U.CEIL), _rounding("round", U.ROUND)


def truncated(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """``input`` rounded towards zero."""
    if not dtype_of(input).is_floating_point:
        return input
    magnitude = unary(ctx, U.FLOOR, unary(ctx, U.ABS, input))
    return elementwise(ctx, E.PROD, magnitude, unary(ctx, U.SIGN, input))


@converter("aten.trunc.default")
def trunc(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """trunc(Tensor self) -> Tensor"""
    return truncated(ctx, input)


@converter("aten.round.decimals")
def round_decimals(ctx: Context, input: trt.ITensor, decimals: int) -> trt.ITensor:
    """round.decimals(Tensor self, *, int decimals) -> Tensor"""
    dtype = dtype_of(input)
    # of a positive and a negative power of ten only one is a whole number
    there, back = (E.PROD, E.DIV) if decimals >= 0 else (E.DIV, E.PROD)
    scaled = elementwise(ctx, there, input, 10.0 ** abs(decimals), opmath(dtype))
    return cast(ctx, elementwise(ctx, back, unary(ctx, U.ROUND, scaled), 10.0 ** abs(decimals)), dtype)
