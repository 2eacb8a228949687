"""New tensors of dynamic sizes; those of static sizes are constants that PyTorch computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import Size, arange, broadcast, cast, elementwise, size_math, sizes, unary

E, U = trt.ElementWiseOperation, trt.UnaryOperation
Options = Any  #: dtype, layout, device and pinning, of which only the dtype counts: that of the result


@converter("aten.full.default")
def full(
    ctx: Context,
    size: Sequence[Size],
    fill_value: Any,
    dtype: Options = None,
    layout: Options = None,
    device: Options = None,
    pin_memory: Options = None,
) -> trt.ITensor:
    """full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, ...) -> Tensor"""
    return broadcast(ctx, ctx.tensor(fill_value, ctx.call.result.dtype), size)


@converter("aten.full_like.default")
def full_like(
    ctx: Context,
    input: trt.ITensor,
    fill_value: Any,
    dtype: Options = None,
    layout: Options = None,
    device: Options = None,
    pin_memory: Options = None,
    memory_format: Options = None,
) -> trt.ITensor:
    """full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, ..., MemoryFormat? ...) -> Tensor"""
    return full(ctx, sizes(ctx, input), fill_value)


@converter("aten.empty.memory_format")
def empty(
    ctx: Context,
    size: Sequence[Size],
    dtype: Options = None,
    layout: Options = None,
    device: Options = None,
    pin_memory: Options = None,
    memory_format: Options = None,
) -> trt.ITensor:
    """empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, ..., MemoryFormat? memory_format=None) -> Tensor"""
    return full(ctx, size, 0)


@converter("aten.empty_permuted.default", "aten.empty_strided.default")
def empty_permuted(
    ctx: Context,
    size: Sequence[Size],
    physical_layout: Sequence[Size],
    dtype: Options = None,
    layout: Options = None,
    device: Options = None,
    pin_memory: Options = None,
) -> trt.ITensor:
    """empty_permuted(SymInt[] size, int[] physical_layout, *, ScalarType? dtype=None, ...) -> Tensor"""
    return full(ctx, size, 0)


@converter("aten.scalar_tensor.default")
def scalar_tensor(
    ctx: Context,
    s: Any,
    dtype: Options = None,
    layout: Options = None,
    device: Options = None,
    pin_memory: Options = None,
) -> trt.ITensor:
    """scalar_tensor(Scalar s, *, ScalarType? dtype=None, ...) -> Tensor"""
    return ctx.tensor(s, ctx.call.result.dtype)


@converter("aten.arange.start_step")
def arange_(
    ctx: Context,
    start: Any,
    end: Any,
    step: Any = 1,
    dtype: Options = None,
    layout: Options = None,
    device: Options = None,
    pin_memory: Options = None,
) -> trt.ITensor:
    """arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, ...) -> Tensor"""
    dtype = ctx.call.result.dtype
    if all(_is_integer(value) for value in ctx.call.args[:3]):
        # the ceiling of (end - start) / step
        steps = size_math(ctx, E.FLOOR_DIV, size_math(ctx, E.SUB, start, end), step)
        length = size_math(ctx, E.MAX, size_math(ctx, E.SUB, 0, steps), 0)
        return cast(ctx, arange(ctx, length, start, step), dtype)
    span = elementwise(ctx, E.DIV, elementwise(ctx, E.SUB, end, start, torch.float32), step, torch.float32)
    index = arange(ctx, ctx.tensor(unary(ctx, U.CEIL, span), torch.int64))
    distance = elementwise(ctx, E.PROD, index, step, torch.float32)
    return cast(ctx, elementwise(ctx, E.SUM, distance, start, torch.float32), dtype)


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, torch.SymInt)) and not isinstance(value, bool)
