"""Bitwise operators: TensorRT has them for bools; integers are taken apart into their bits."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import (
    ConverterFunction,
    cast,
    compare,
    concat,
    elementwise,
    named,
    ndim_of,
    reduce,
    unary,
    unsqueeze,
)

E = trt.ElementWiseOperation


def _bits(ctx: Context, input: Any, weights: torch.Tensor, ndim: int) -> trt.ITensor:
    """A last dimension of bools, one for each of ``weights``; the last is the sign's."""
    number = ctx.tensor(input, weights.dtype, ndim)
    column = unsqueeze(ctx, number, [ndim])
    shifted = elementwise(ctx, E.FLOOR_DIV, column, weights[:-1])
    even = elementwise(ctx, E.PROD, elementwise(ctx, E.FLOOR_DIV, shifted, 2), 2)
    odd = compare(ctx, E.EQUAL, shifted, even, negate=True)
    return concat(ctx, [odd, compare(ctx, E.LESS, column, 0)], ndim)


def _bitwise(name: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        if dtype is torch.bool:
            return elementwise(ctx, op, input, other, dtype)
        size = torch.iinfo(dtype).bits
        # two's complement: the sign's bit counts negative
        weights = torch.tensor([1 << bit for bit in range(size - 1)] + [-1 << size - 1], dtype=dtype)
        ndim = max(ndim_of(input), ndim_of(other))
        first, second = _bits(ctx, input, weights, ndim), _bits(ctx, other, weights, ndim)
        chosen = cast(ctx, elementwise(ctx, op, first, second), dtype)
        return reduce(ctx, trt.ReduceOperation.SUM, elementwise(ctx, E.PROD, chosen, weights), ndim)

    overloads = ("Tensor", "Scalar", "Scalar_Tensor")
    return named(name, *(f"aten.{name}.{overload}" for overload in overloads))(convert)


bitwise_and, bitwise_or = _bitwise("bitwise_and", E.AND), _bitwise("bitwise_or", E.OR)
bitwise_xor = _bitwise("bitwise_xor", E.XOR)


@converter("aten.bitwise_not.default")
def bitwise_not(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """bitwise_not(Tensor self) -> Tensor"""
    dtype = ctx.call.result.dtype
    if dtype is torch.bool:
        return unary(ctx, trt.UnaryOperation.NOT, input)
    return elementwise(ctx, E.SUB, -1, input, dtype)


def _shift(name: str, operator: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    """A product with a power of two, or the floor of a quotient by it."""

    def convert(ctx: Context, input: Any, other: Any) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        power = 1 << other if isinstance(other, int) else elementwise(ctx, E.POW, 2, other, dtype)
        return elementwise(ctx, op, input, power, dtype)

    overloads = (f"{name}.Tensor", f"{name}.Tensor_Scalar", f"{name}.Scalar_Tensor")
    operators = (f"{operator}.Tensor", f"{operator}.Scalar")
    return named(name, *(f"aten.{overload}" for overload in overloads + operators))(convert)


left_shift = _shift("bitwise_left_shift", "__lshift__", E.PROD)
right_shift = _shift("bitwise_right_shift", "__rshift__", E.FLOOR_DIV)
