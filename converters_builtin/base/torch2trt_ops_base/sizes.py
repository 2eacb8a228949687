"""Arithmetic on dynamic sizes and on items, which torch.export leaves in the graph as Python operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import cast, elementwise, reshape, size, unary

from ._family import Converter

E, U = trt.ElementWiseOperation, trt.UnaryOperation


@converter("aten.sym_size.int")
def sym_size(ctx: Context, input: trt.ITensor, dim: int) -> Any:
    """sym_size.int(Tensor self, int dim) -> SymInt"""
    return size(ctx, input, dim)


def _dtype(ctx: Context) -> torch.dtype:
    return torch.float32 if isinstance(ctx.call.result, torch.SymFloat) else torch.int64


@converter("aten._local_scalar_dense.default")
def item(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """_local_scalar_dense(Tensor self) -> Scalar"""
    # a tensor without dimensions stands for a number
    return reshape(ctx, cast(ctx, input, _dtype(ctx)), [])


def _marked(function: Converter, target: str) -> Converter:
    function.__name__ = function.__qualname__ = target.rpartition(".")[2]
    function.__doc__ = f"``{target}`` of sizes."
    return converter(target)(function)


def _binary(target: str, op: trt.ElementWiseOperation) -> Converter:
    def convert(ctx: Context, first: Any, second: Any) -> trt.ITensor:
        return elementwise(ctx, op, first, second, _dtype(ctx))

    return _marked(convert, target)


add, sub, mul = _binary("operator.add", E.SUM), _binary("operator.sub", E.SUB), _binary("operator.mul", E.PROD)
floordiv, truediv = _binary("operator.floordiv", E.FLOOR_DIV), _binary("operator.truediv", E.DIV)
pow_ = _binary("operator.pow", E.POW)
largest, smallest = _binary("torch.sym_max", E.MAX), _binary("torch.sym_min", E.MIN)


@converter("operator.mod")
def mod(ctx: Context, first: Any, second: Any) -> trt.ITensor:
    """``operator.mod`` of two sizes."""
    quotient = elementwise(ctx, E.FLOOR_DIV, first, second, _dtype(ctx))
    return elementwise(ctx, E.SUB, first, elementwise(ctx, E.PROD, quotient, second, _dtype(ctx)), _dtype(ctx))


@converter("operator.neg")
def neg(ctx: Context, value: trt.ITensor) -> trt.ITensor:
    """``operator.neg`` of a size."""
    # TensorRT calculates shapes with binary operations
    return elementwise(ctx, E.SUB, 0, value, _dtype(ctx))


@converter("torch.sym_sum")
def sym_sum(ctx: Context, values: Sequence[Any]) -> trt.ITensor:
    """``torch.sym_sum`` of several sizes."""
    total = ctx.tensor(values[0], torch.int64)
    for value in values[1:]:
        total = elementwise(ctx, E.SUM, total, value, torch.int64)
    return total


@converter("torch.sym_float")
def sym_float(ctx: Context, value: trt.ITensor) -> trt.ITensor:
    """``torch.sym_float`` of a size."""
    return cast(ctx, value, torch.float32)


def _rounded(target: str, op: trt.UnaryOperation) -> Converter:
    def convert(ctx: Context, value: trt.ITensor) -> trt.ITensor:
        return cast(ctx, unary(ctx, op, cast(ctx, value, torch.float32)), torch.int64)

    return _marked(convert, target)


ceil, floor = _rounded("math.ceil", U.CEIL), _rounded("math.floor", U.FLOOR)


@converter("math.trunc")
def trunc(ctx: Context, value: trt.ITensor) -> trt.ITensor:
    """``math.trunc`` of a size: a cast cuts the fraction off."""
    return cast(ctx, value, torch.int64)
