"""Division in all of its roundings, and what it leaves."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, cast, elementwise, named, opmath

from .rounding import truncated

E = trt.ElementWiseOperation


@converter("aten.div.Tensor", "aten.div.Scalar")
def div(ctx: Context, input: Any, other: Any) -> trt.ITensor:
    """div.Tensor(Tensor self, Tensor other) -> Tensor"""
    return elementwise(ctx, E.DIV, input, other, ctx.call.result.dtype)


@converter("aten.div.Tensor_mode", "aten.div.Scalar_mode")
def div_mode(ctx: Context, input: Any, other: Any, rounding_mode: str | None) -> trt.ITensor:
    """div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor"""
    dtype = ctx.call.result.dtype
    if rounding_mode == "floor":
        return elementwise(ctx, E.FLOOR_DIV, input, other, dtype)
    quotient = elementwise(ctx, E.DIV, input, other, opmath(dtype))
    # TensorRT's division of integers truncates
    return cast(ctx, quotient if rounding_mode is None else truncated(ctx, quotient), dtype)


def _remainder(name: str, floor: bool, *overloads: str) -> ConverterFunction:
    """``input - quotient * other``: the sign of ``other`` where the quotient is floored, else that of ``input``.

    Where floats have a quotient next to a whole number, its rounding decides between nothing and all of ``other``.
    """

    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        dtype = opmath(ctx.call.result.dtype)
        quotient = elementwise(ctx, E.FLOOR_DIV if floor else E.DIV, input, other, dtype)
        whole = quotient if floor else truncated(ctx, quotient)
        result = elementwise(ctx, E.SUB, input, elementwise(ctx, E.PROD, whole, other, dtype), dtype)
        return cast(ctx, result, ctx.call.result.dtype)

    return named(name, *(f"aten.{name}.{overload}" for overload in overloads))(convert)


remainder = _remainder("remainder", True, "Tensor", "Scalar", "Scalar_Tensor")
fmod = _remainder("fmod", False, "Tensor", "Scalar")
