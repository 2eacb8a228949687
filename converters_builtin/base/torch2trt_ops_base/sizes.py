"""Arithmetic on dynamic sizes, which torch.export leaves in the graph as Python operators."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, cast, compare, elementwise, is_runtime, select, size, size_math, unary

E, U = trt.ElementWiseOperation, trt.UnaryOperation


@converter("aten.sym_size.int")
def sym_size(ctx: Context, input: trt.ITensor, dim: int) -> Any:
    """sym_size.int(Tensor self, int dim) -> SymInt"""
    return size(ctx, input, dim)


def _symbolic(target: str, emit: Callable[..., trt.ITensor]) -> ConverterFunction:
    """Layers where an argument is dynamic, else what Python says."""

    def convert(ctx: Context, *values: Any) -> Any:
        if not any(map(is_runtime, values)):
            return ctx.call.target.obj(*values)
        return emit(ctx, *values)

    convert.__name__ = convert.__qualname__ = target.rpartition(".")[2]
    convert.__doc__ = f"``{target}`` of sizes."
    return converter(target)(convert)


def _dtype(ctx: Context) -> torch.dtype:
    """A size is an int64, a fraction of one a float32."""
    return torch.int64 if isinstance(ctx.call.result, torch.SymInt) else torch.float32


def _binary(target: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    return _symbolic(target, lambda ctx, first, second: elementwise(ctx, op, first, second, _dtype(ctx)))


add, sub, mul = _binary("operator.add", E.SUM), _binary("operator.sub", E.SUB), _binary("operator.mul", E.PROD)
truediv, floordiv = _binary("operator.truediv", E.DIV), _binary("operator.floordiv", E.FLOOR_DIV)
pow_, largest, smallest = (
    _binary("operator.pow", E.POW),
    _binary("torch.sym_max", E.MAX),
    _binary("torch.sym_min", E.MIN),
)


def _remainder(ctx: Context, first: Any, second: Any) -> trt.ITensor:
    quotient = elementwise(ctx, E.FLOOR_DIV, first, second, _dtype(ctx))
    return elementwise(ctx, E.SUB, first, elementwise(ctx, E.PROD, quotient, second, _dtype(ctx)), _dtype(ctx))


@converter("torch.sym_sum")
def sym_sum(ctx: Context, values: Sequence[Any]) -> Any:
    """``torch.sym_sum`` of several sizes."""
    return functools.reduce(lambda total, value: size_math(ctx, E.SUM, total, value), values)


mod = _symbolic("operator.mod", _remainder)
neg = _symbolic("operator.neg", lambda ctx, value: unary(ctx, U.NEG, value))


def _rounded(target: str, op: trt.UnaryOperation | None) -> ConverterFunction:
    def emit(ctx: Context, value: Any) -> trt.ITensor:
        fraction = value if op is None else unary(ctx, op, value, torch.float32)
        return cast(ctx, fraction, torch.int64)

    return _symbolic(target, emit)


ceil, floor = _rounded("math.ceil", U.CEIL), _rounded("math.floor", U.FLOOR)
# a cast truncates
trunc = _rounded("math.trunc", None)
sym_float = _symbolic("torch.sym_float", lambda ctx, value: cast(ctx, value, torch.float32))


def _comparison(name: str, op: trt.ElementWiseOperation, negate: bool = False) -> ConverterFunction:
    return _symbolic(f"operator.{name}", lambda ctx, first, second: compare(ctx, op, first, second, negate))


eq, ne = _comparison("eq", E.EQUAL), _comparison("ne", E.EQUAL, negate=True)
lt, gt = _comparison("lt", E.LESS), _comparison("gt", E.GREATER)
# sizes are never NaN, so the opposite of a strict comparison is right
le, ge = _comparison("le", E.GREATER, negate=True), _comparison("ge", E.LESS, negate=True)


def _logic(target: str, op: trt.ElementWiseOperation) -> ConverterFunction:
    return _symbolic(target, lambda ctx, first, second: elementwise(ctx, op, first, second, torch.bool))


and_, or_ = _logic("operator.and_", E.AND), _logic("operator.or_", E.OR)
sym_not = _symbolic("torch.sym_not", lambda ctx, value: unary(ctx, U.NOT, value))
sym_ite = _symbolic("torch.sym_ite", lambda ctx, test, yes, no: select(ctx, test, yes, no, _dtype(ctx)))
