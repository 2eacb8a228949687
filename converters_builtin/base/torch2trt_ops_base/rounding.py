"""Rounding; integers are returned as they are, since TensorRT rounds floating-point numbers only."""

from __future__ import annotations

from collections.abc import Callable

from torch2trt import Context, converter, lib, trt

U = trt.UnaryOperation


def _rounding(name: str, op: trt.UnaryOperation) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: trt.ITensor) -> trt.ITensor:
        return lib.unary(ctx, op, input) if lib.dtype_of(input).is_floating_point else input

    return converter(f"aten.{name}.default", name=name)(convert)


floor, ceil, round_ = _rounding("floor", U.FLOOR), _rounding("ceil", U.CEIL), _rounding("round", U.ROUND)


def truncated(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """``input`` rounded towards zero."""
    if not lib.dtype_of(input).is_floating_point:
        return input
    # not lib.sign: the product with NaN is NaN whatever its sign
    return lib.mul(ctx, lib.floor(ctx, lib.abs(ctx, input)), lib.unary(ctx, U.SIGN, input))


@converter("aten.trunc.default")
def trunc(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """trunc(Tensor self) -> Tensor"""
    return truncated(ctx, input)


@converter("aten.round.decimals")
def round_decimals(ctx: Context, input: trt.ITensor, decimals: int) -> trt.ITensor:
    """round.decimals(Tensor self, *, int decimals) -> Tensor"""
    dtype = lib.dtype_of(input)
    # of a positive and a negative power of ten only one is a whole number
    scale, unscale = (lib.mul, lib.div) if decimals >= 0 else (lib.div, lib.mul)
    power = 10.0 ** abs(decimals)
    return ctx.tensor(unscale(ctx, lib.round(ctx, scale(ctx, input, power, lib.opmath(dtype))), power), dtype)
