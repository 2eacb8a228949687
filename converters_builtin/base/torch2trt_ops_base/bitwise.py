"""Bitwise operators: TensorRT has them for bools; integers are taken apart into their bits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

E = trt.ElementWiseOperation


def on_bools(ctx: Context, op: trt.ElementWiseOperation, input: Value, other: Value) -> trt.ITensor:
    """AND, OR or XOR of what is true; a number decides by itself, since an engine for RTX 1.6 ORs one wrongly."""
    for value, truth in ((input, other), (other, input)):
        if lib.is_runtime(truth) or torch.as_tensor(truth).numel() != 1 or lib.ndim_of(truth) > lib.ndim_of(value):
            continue
        tensor, known = ctx.tensor(value, torch.bool), bool(truth)
        if op == E.XOR:
            return lib.logical_not(ctx, tensor) if known else tensor
        if known is (op == E.AND):
            return tensor
        return lib.expand(ctx, torch.tensor(known), lib.sizes(ctx, tensor))
    return lib.elementwise(ctx, op, input, other, torch.bool)


def _bits(ctx: Context, input: Value, weights: torch.Tensor, ndim: int) -> trt.ITensor:
    """A last dimension of bools, one for each of ``weights``; the last is the sign's."""
    column = lib.unsqueeze(ctx, ctx.tensor(input, weights.dtype, ndim), [ndim])
    shifted = lib.floor_divide(ctx, column, weights[:-1])
    even = lib.mul(ctx, lib.floor_divide(ctx, shifted, 2), 2)
    return lib.cat(ctx, [lib.ne(ctx, shifted, even), lib.lt(ctx, column, 0)], ndim)


def _bitwise(name: str, op: trt.ElementWiseOperation) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        dtype = ctx.call.result.dtype
        if dtype is torch.bool:
            return on_bools(ctx, op, input, other)
        sign = torch.iinfo(dtype).bits - 1
        # two's complement: the sign's bit counts negative
        weights = torch.tensor([1 << bit for bit in range(sign)] + [-1 << sign], dtype=dtype)
        ndim = max(lib.ndim_of(input), lib.ndim_of(other))
        bits = lib.elementwise(ctx, op, _bits(ctx, input, weights, ndim), _bits(ctx, other, weights, ndim))
        return lib.sum(ctx, lib.mul(ctx, bits, weights, dtype), ndim)

    overloads = ("Tensor", "Scalar", "Scalar_Tensor")
    return converter(*(f"aten.{name}.{overload}" for overload in overloads), name=name)(convert)


bitwise_and, bitwise_or = _bitwise("bitwise_and", E.AND), _bitwise("bitwise_or", E.OR)
bitwise_xor = _bitwise("bitwise_xor", E.XOR)


@converter("aten.bitwise_not.default")
def bitwise_not(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """bitwise_not(Tensor self) -> Tensor"""
    dtype = ctx.call.result.dtype
    return lib.logical_not(ctx, input) if dtype is torch.bool else lib.sub(ctx, -1, input, dtype)


def _power_of_two(ctx: Context, exponent: Value) -> Value:
    return 1 << exponent if isinstance(exponent, int) else lib.pow(ctx, 2, exponent, ctx.call.result.dtype)


@converter(
    *(f"aten.bitwise_left_shift.{overload}" for overload in ("Tensor", "Tensor_Scalar", "Scalar_Tensor")),
    *("aten.__lshift__.Tensor", "aten.__lshift__.Scalar"),
)
def bitwise_left_shift(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """bitwise_left_shift.Tensor(Tensor self, Tensor other) -> Tensor"""
    return lib.mul(ctx, input, _power_of_two(ctx, other), ctx.call.result.dtype)


@converter(
    *(f"aten.bitwise_right_shift.{overload}" for overload in ("Tensor", "Tensor_Scalar", "Scalar_Tensor")),
    *("aten.__rshift__.Tensor", "aten.__rshift__.Scalar"),
)
def bitwise_right_shift(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """bitwise_right_shift.Tensor(Tensor self, Tensor other) -> Tensor

    Beyond the bits of a number, and by less than none, PyTorch leaves its sign.
    """
    dtype = ctx.call.result.dtype
    most = torch.iinfo(dtype).bits - 2  # as far as a power of two is one of the numbers
    sign = lib.where(ctx, lib.lt(ctx, input, 0), ctx.tensor(-1, dtype), ctx.tensor(0, dtype))
    if isinstance(other, int):
        return lib.floor_divide(ctx, input, 1 << other, dtype) if 0 <= other <= most else sign
    inside = lib.minimum(ctx, lib.maximum(ctx, other, 0), most)
    quotient = lib.floor_divide(ctx, input, _power_of_two(ctx, inside), dtype)
    return lib.where(ctx, lib.logical_or(ctx, lib.lt(ctx, other, 0), lib.gt(ctx, other, most)), sign, quotient)
