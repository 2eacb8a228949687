"""Adaptive pooling: windows that differ in size when the sizes do not divide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    arange,
    cast,
    compare,
    concat,
    dtype_of,
    elementwise,
    is_runtime,
    matmul,
    narrow,
    permute,
    reduce,
    size,
    size_math,
)

from .pooling import pool
from .windows import Window, maximum_with_indices

E, R = trt.ElementWiseOperation, trt.ReduceOperation


def _even_windows(input: Any, output_size: Sequence[int]) -> list[int] | None:
    """The sizes of the windows where they are all known and equal."""
    pairs = list(zip(tuple(input.shape)[-len(output_size) :], output_size, strict=True))
    even = all(isinstance(have, int) and have > 0 and have % want == 0 for have, want in pairs)
    return [have // want for have, want in pairs] if even else None


def _average_rejects(call: Call, input: torch.Tensor, output_size: Sequence[Any]) -> str | None:
    if not input.dtype.is_floating_point:
        return "TensorRT averages floating-point numbers only"
    return None if all(isinstance(want, int) for want in output_size) else "the result's size is dynamic"


# the public ones whole: PyTorch's decomposition of a global average restrides a channels-last result
@converter(
    "aten.adaptive_avg_pool2d.default",
    "aten.adaptive_avg_pool3d.default",
    "aten._adaptive_avg_pool2d.default",
    "aten._adaptive_avg_pool3d.default",
    rejects=_average_rejects,
)
def adaptive_avg_pool(ctx: Context, input: trt.ITensor, output_size: Sequence[int]) -> trt.ITensor:
    """adaptive_avg_pool2d(Tensor self, SymInt[2] output_size) -> Tensor"""
    count = len(output_size)
    if all(want == 1 for want in output_size):
        return reduce(ctx, R.AVG, input, range(-count, 0), keepdim=True)
    if windows := _even_windows(input, output_size):
        return pool(ctx, trt.PoolingType.AVERAGE, input, windows, windows, 0)
    for dim, want in zip(range(-count, 0), output_size, strict=True):
        weights = _averages(ctx, input, dim, want)
        if dim == -1:
            input = matmul(ctx, input, weights, transpose_other=True)
        elif dim == -2:
            input = matmul(ctx, weights, input)
        else:
            input = _first_of_three(ctx, weights, input)
    return input


def _first_of_three(ctx: Context, weights: Any, input: trt.ITensor) -> trt.ITensor:
    """The matrix product over the third dimension from the end."""
    rank = len(input.shape)
    order = [*range(rank - 3), rank - 2, rank - 3, rank - 1]
    return permute(ctx, matmul(ctx, weights, permute(ctx, input, order)), order)


def _averages(ctx: Context, input: trt.ITensor, dim: int, want: int) -> Any:
    """The matrix ``(want, size)`` that averages the windows of one dimension."""
    have, dtype = size(ctx, input, dim), dtype_of(input)
    if not is_runtime(have):
        rows = torch.nn.functional.adaptive_avg_pool1d(torch.eye(have), want)  # (have, want)
        return rows.t().contiguous().to(dtype)
    inside, start, end = _membership(ctx, have, want)
    share = elementwise(
        ctx, E.DIV, cast(ctx, inside, torch.float32), elementwise(ctx, E.SUB, end, start), torch.float32
    )
    return cast(ctx, share, dtype)


def _membership(ctx: Context, have: Any, want: int) -> tuple[trt.ITensor, trt.ITensor, trt.ITensor]:
    """Which elements lie in which window, as bools ``(want, have)``, and where windows start and end."""
    number = torch.arange(want).unsqueeze(1)
    start = size_math(ctx, E.FLOOR_DIV, size_math(ctx, E.PROD, ctx.tensor(number), have), want)
    end = size_math(
        ctx, E.FLOOR_DIV, size_math(ctx, E.SUM, size_math(ctx, E.PROD, ctx.tensor(number + 1), have), want - 1), want
    )
    element = arange(ctx, have)
    before, after = compare(ctx, E.LESS, element, start), compare(ctx, E.LESS, element, end)
    return compare(ctx, E.GREATER, after, before), start, end


def _maximum_rejects(call: Call, input: torch.Tensor, output_size: Sequence[int]) -> str | None:
    if not all(isinstance(have, int) for have in input.shape[-len(output_size) :]):
        return "the maximum over windows of dynamic sizes"
    if call.uses(1) and _even_windows(input, output_size) is None:
        return "indices of windows that differ in size"
    return None


@converter("aten.adaptive_max_pool2d.default", "aten.adaptive_max_pool3d.default", rejects=_maximum_rejects)
def adaptive_max_pool(
    ctx: Context, input: trt.ITensor, output_size: Sequence[int]
) -> tuple[trt.ITensor, trt.ITensor | None]:
    """adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)"""
    count = len(output_size)
    if ctx.call.uses(1) and (even := _even_windows(input, output_size)):
        rows = zip(range(-count, 0), even, output_size, strict=True)
        return maximum_with_indices(ctx, input, {dim: Window(size, size, 0, 1, want) for dim, size, want in rows})
    if windows := _even_windows(input, output_size):
        return pool(ctx, trt.PoolingType.MAX, input, windows, windows, 0), None
    for dim, want in zip(range(-count, 0), output_size, strict=True):
        have = input.shape[dim]
        parts = []
        for index in range(want):
            start, end = index * have // want, -(-(index + 1) * have // want)
            parts.append(reduce(ctx, R.MAX, narrow(ctx, input, dim, start, end - start), dim, keepdim=True))
        input = concat(ctx, parts, dim)
    return input, None
