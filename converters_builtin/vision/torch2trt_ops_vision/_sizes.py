"""Arithmetic on sizes: ints stay ints, anything with a dynamic size becomes a 0-d int64 tensor."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, trt
from torch2trt.lib import elementwise, is_runtime

E = trt.ElementWiseOperation
Size = Any  #: an ``int``, or a 0-d int64 ``trt.ITensor``


def plus(ctx: Context, first: Size, second: Size) -> Size:
    """``first + second``."""
    if not is_runtime(first) and not is_runtime(second):
        return first + second
    if not is_runtime(second) and second == 0:
        return first
    return elementwise(ctx, E.SUM, first, second, torch.int64)


def minus(ctx: Context, value: Size) -> Size:
    """``-value``."""
    return elementwise(ctx, E.PROD, value, -1, torch.int64) if is_runtime(value) else -value


def times(ctx: Context, first: Size, second: Size) -> Size:
    """``first * second``."""
    if not is_runtime(first) and not is_runtime(second):
        return first * second
    return elementwise(ctx, E.PROD, first, second, torch.int64)


def floordiv(ctx: Context, first: Size, second: int) -> Size:
    """``first // second``."""
    return elementwise(ctx, E.FLOOR_DIV, first, second, torch.int64) if is_runtime(first) else first // second


def arange(ctx: Context, count: Size) -> Any:
    """``torch.arange(count)``: a constant, or computed at run time where ``count`` is."""
    if not is_runtime(count):
        return torch.arange(count)
    layer = ctx.network.add_fill((1,), trt.FillOperation.LINSPACE, trt.int64)
    layer.set_input(0, ctx.shape([count]))
    layer.set_input(1, ctx.tensor(0, torch.int64))
    layer.set_input(2, ctx.tensor(torch.ones(1, dtype=torch.int64)))
    return layer.get_output(0)
