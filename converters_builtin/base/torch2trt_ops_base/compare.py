"""Comparisons, logic and choices."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, compare, elementwise, named, promoted, select, unary

E = trt.ElementWiseOperation


def _comparison(name: str, op: trt.ElementWiseOperation, negate: bool = False) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return compare(ctx, op, input, other, negate)

    return named(name, f"aten.{name}.Tensor", f"aten.{name}.Scalar")(convert)


eq, ne = _comparison("eq", E.EQUAL), _comparison("ne", E.EQUAL, negate=True)
lt, gt = _comparison("lt", E.LESS), _comparison("gt", E.GREATER)


def _or_equal(name: str, strict: trt.ElementWiseOperation, opposite: trt.ElementWiseOperation) -> ConverterFunction:
    """TensorRT has no "or equal"."""

    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        if not promoted(input, other).is_floating_point:
            return compare(ctx, opposite, input, other, negate=True)
        # the opposite of the other strict comparison would be true for NaN
        return elementwise(ctx, E.OR, compare(ctx, strict, input, other), compare(ctx, E.EQUAL, input, other))

    return named(name, f"aten.{name}.Tensor", f"aten.{name}.Scalar")(convert)


le, ge = _or_equal("le", E.LESS, E.GREATER), _or_equal("ge", E.GREATER, E.LESS)


def _logical(name: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        return elementwise(ctx, op, input, other, torch.bool)

    return named(name, f"aten.{name}.default")(convert)


logical_and, logical_or = _logical("logical_and", E.AND), _logical("logical_or", E.OR)
logical_xor = _logical("logical_xor", E.XOR)


@converter("aten.logical_not.default")
def logical_not(ctx: Context, input: Any) -> trt.ITensor:
    """logical_not(Tensor self) -> Tensor"""
    return unary(ctx, trt.UnaryOperation.NOT, input, torch.bool)


@converter("aten.where.self")
def where(ctx: Context, condition: Any, input: Any, other: Any) -> trt.ITensor:
    """where.self(Tensor condition, Tensor self, Tensor other) -> Tensor"""
    return select(ctx, condition, input, other, ctx.call.result.dtype)
