"""Comparisons, logic and choices."""

from __future__ import annotations

from collections.abc import Callable

from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .bitwise import on_bools

E = trt.ElementWiseOperation


def _of_two(
    name: str, verb: Callable[[Context, Value, Value], trt.ITensor], *overloads: str
) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        return verb(ctx, input, other)

    return converter(*(f"aten.{name}.{overload}" for overload in overloads), name=name)(convert)


eq, ne = _of_two("eq", lib.eq, "Tensor", "Scalar"), _of_two("ne", lib.ne, "Tensor", "Scalar")
lt, gt = _of_two("lt", lib.lt, "Tensor", "Scalar"), _of_two("gt", lib.gt, "Tensor", "Scalar")
le, ge = _of_two("le", lib.le, "Tensor", "Scalar"), _of_two("ge", lib.ge, "Tensor", "Scalar")


def _logical(name: str, op: trt.ElementWiseOperation) -> Callable[..., trt.ITensor]:
    return _of_two(name, lambda ctx, input, other: on_bools(ctx, op, input, other), "default")


logical_and, logical_or = _logical("logical_and", E.AND), _logical("logical_or", E.OR)
logical_xor = _logical("logical_xor", E.XOR)


@converter("aten.logical_not.default")
def logical_not(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """logical_not(Tensor self) -> Tensor"""
    return lib.logical_not(ctx, input)


@converter("aten.where.self")
def where(ctx: Context, condition: Value, input: Value, other: Value) -> trt.ITensor:
    """where.self(Tensor condition, Tensor self, Tensor other) -> Tensor"""
    return lib.where(ctx, condition, input, other, ctx.call.result.dtype)
