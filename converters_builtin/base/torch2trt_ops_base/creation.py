"""New tensors of dynamic sizes; those of static sizes are constants that PyTorch computes.

Of dtype, layout, device and pinning only the dtype counts: that of the result.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value


@converter("aten.full.default")
def full(
    ctx: Context,
    size: Sequence[Size],
    fill_value: Value,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, ...) -> Tensor"""
    return lib.expand(ctx, ctx.tensor(fill_value, ctx.call.result.dtype), size)


@converter("aten.full_like.default")
def full_like(
    ctx: Context,
    input: Value,
    fill_value: Value,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
    memory_format: torch.memory_format | None = None,
) -> trt.ITensor:
    """full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, ..., MemoryFormat? ...) -> Tensor"""
    return full(ctx, lib.sizes(ctx, ctx.tensor(input)), fill_value)


@converter("aten.empty.memory_format")
def empty(
    ctx: Context,
    size: Sequence[Size],
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
    memory_format: torch.memory_format | None = None,
) -> trt.ITensor:
    """empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, ..., MemoryFormat? memory_format=None) -> Tensor"""
    return full(ctx, size, 0)


@converter("aten.empty_permuted.default", "aten.empty_strided.default")
def empty_permuted(
    ctx: Context,
    size: Sequence[Size],
    physical_layout: Sequence[Size],
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """empty_permuted(SymInt[] size, int[] physical_layout, *, ScalarType? dtype=None, ...) -> Tensor"""
    return full(ctx, size, 0)


@converter("aten.scalar_tensor.default")
def scalar_tensor(
    ctx: Context,
    s: Value,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """scalar_tensor(Scalar s, *, ScalarType? dtype=None, ...) -> Tensor"""
    return ctx.tensor(s, ctx.call.result.dtype)


@converter("aten.arange.start_step")
def arange(
    ctx: Context,
    start: Value,
    end: Value,
    step: Value = 1,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, ...) -> Tensor"""
    known = ctx.call.result.shape[0]
    if all(_is_integer(number) for number in ctx.call.args[:3]):
        length = known if isinstance(known, int) else _count(ctx, start, end, step)
        return ctx.tensor(lib.arange(ctx, length, start, step), ctx.call.result.dtype)
    span = lib.div(ctx, lib.sub(ctx, end, start, torch.float32), step, torch.float32)
    index = lib.arange(ctx, ctx.tensor(lib.ceil(ctx, span), torch.int64))
    distance = lib.mul(ctx, index, step, torch.float32)
    return ctx.tensor(lib.add(ctx, distance, start, torch.float32), ctx.call.result.dtype)


def _is_integer(number: float | torch.SymInt | torch.SymFloat) -> bool:
    return isinstance(number, (int, torch.SymInt)) and not isinstance(number, bool)


def _count(ctx: Context, start: Any, end: Any, step: Any) -> Size:
    # the ceiling of (end - start) / step
    steps = lib.size_op(ctx, operator.floordiv, lib.size_op(ctx, operator.sub, start, end), step)
    length: Size = lib.size_op(ctx, max, lib.size_op(ctx, operator.sub, 0, steps), 0)
    return length
