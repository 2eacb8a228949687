"""Arithmetic on sizes and indices: Python's own where both are known, layers where one is dynamic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from .._trt import trt
from ..network.context import Context, is_runtime
from ._elementwise import elementwise

E = trt.ElementWiseOperation

#: an ``int``, or a 0-d int64 ``trt.ITensor``
Size = Any

_KNOWN: Final[dict[Any, Callable[[Any, Any], Any]]] = {
    E.SUM: operator.add,
    E.SUB: operator.sub,
    E.PROD: operator.mul,
    E.FLOOR_DIV: operator.floordiv,
    E.MIN: min,
    E.MAX: max,
}


def size_math(ctx: Context, op: trt.ElementWiseOperation, first: Any, second: Any) -> Any:
    """``first op second`` of two sizes: SUM, SUB, PROD, FLOOR_DIV, MIN or MAX."""
    if is_runtime(first) or is_runtime(second):
        return elementwise(ctx, op, first, second, torch.int64)
    return _KNOWN[op](first, second)


def size_product(ctx: Context, dims: Sequence[Size]) -> Size:
    """The product of sizes; 1 for none."""
    total: Size = 1
    for dim in dims:
        total = dim if not is_runtime(total) and total == 1 else size_math(ctx, E.PROD, total, dim)
    return total


def arange(ctx: Context, length: Size, start: Size = 0, step: Size = 1) -> trt.ITensor:
    """``length`` int64 numbers: ``start``, ``start + step``, …"""
    if not any(map(is_runtime, (length, start, step))):
        return ctx.tensor(torch.arange(length) * step + start)
    layer = ctx.network.add_fill((1,), trt.FillOperation.LINSPACE, trt.int64)
    layer.set_input(0, ctx.shape([length]))
    layer.set_input(1, ctx.tensor(start, torch.int64))
    layer.set_input(2, ctx.tensor(step, torch.int64, ndim=1))
    return layer.get_output(0)
