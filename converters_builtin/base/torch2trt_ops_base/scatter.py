"""Scattering along a dimension, with every reduction."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    arange,
    broadcast,
    cast,
    compare,
    elementwise,
    is_runtime,
    narrow,
    reduce,
    reshape,
    select,
    size,
    size_math,
    sizes,
    strided_slice,
    unsqueeze,
)

from .indexing import cropped

E, R = trt.ElementWiseOperation, trt.ReduceOperation


@converter("aten.scatter.src", "aten.scatter.value")
def scatter(ctx: Context, input: Any, dim: int, index: Any, src: Any) -> trt.ITensor:
    """scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor"""
    tensor, index = ctx.tensor(input), ctx.tensor(index)
    if not len(tensor.shape):
        return reshape(ctx, ctx.tensor(src, _dtype(ctx)), [])
    length, count = size(ctx, tensor, dim), size(ctx, index, dim)
    # TensorRT scatters along a dimension no more often than it is long
    fits = not is_runtime(length) and not is_runtime(count) and count <= length
    if not fits:
        longer = {dim: (0, size_math(ctx, E.SUM, length, count), 1)}
        tensor = strided_slice(ctx, tensor, longer, trt.SampleMode.FILL)
    layer = ctx.network.add_scatter(tensor, index, _updates(ctx, index, src), trt.ScatterMode.ELEMENT)
    layer.axis = dim % len(tensor.shape)
    return layer.get_output(0) if fits else narrow(ctx, layer.get_output(0), dim, 0, length)


def _dtype(ctx: Context) -> torch.dtype:
    dtype: torch.dtype = ctx.call.result.dtype
    return dtype


def _updates(ctx: Context, index: trt.ITensor, src: Any) -> trt.ITensor:
    """The part of ``src`` (or the number) that goes to ``index``."""
    src = ctx.tensor(src, _dtype(ctx))
    return cropped(ctx, src, None, index) if len(src.shape) else broadcast(ctx, src, sizes(ctx, index))


def _smaller_index(
    call: Call, input: torch.Tensor, dim: int, index: torch.Tensor, *args: Any, **kwargs: Any
) -> str | None:
    if input.dtype is torch.bool:
        return "reducing bools"
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    same = all(str(input.shape[d]) == str(index.shape[d]) for d in others)
    return None if same else "the index is smaller than the input in another dimension than dim"


_OPERATIONS = {
    "sum": (R.SUM, E.SUM),
    "mean": (R.SUM, E.SUM),
    "prod": (R.PROD, E.PROD),
    "amax": (R.MAX, E.MAX),
    "amin": (R.MIN, E.MIN),
}


def _neutral(operation: str, dtype: torch.dtype) -> float:
    if operation in ("sum", "mean", "prod"):
        return 1 if operation == "prod" else 0
    limits = (-math.inf, math.inf) if dtype.is_floating_point else (torch.iinfo(dtype).min, torch.iinfo(dtype).max)
    return limits[operation == "amin"]


def _reduced(
    ctx: Context, input: Any, dim: int, index: trt.ITensor, src: trt.ITensor, operation: str, include_self: bool = True
) -> trt.ITensor:
    """Every element with all that is scattered to it; TensorRT's own scatter only replaces.

    Each target is compared with each index: the table has a dimension of targets before that of indices.
    """
    tensor, dtype = ctx.tensor(input), _dtype(ctx)
    ndim = len(tensor.shape)
    dim %= ndim
    targets = unsqueeze(ctx, arange(ctx, size(ctx, tensor, dim)), range(1, ndim - dim + 1))
    hit = compare(ctx, E.EQUAL, unsqueeze(ctx, cast(ctx, index, torch.int64), [dim]), targets)
    over, join = _OPERATIONS[operation]
    terms = select(ctx, hit, unsqueeze(ctx, src, [dim]), _neutral(operation, dtype), dtype)
    scattered = reduce(ctx, over, terms, dim + 1)
    count = reduce(ctx, R.SUM, hit, dim + 1, dtype=torch.int64)
    result = elementwise(ctx, join, tensor, scattered, dtype) if include_self else scattered
    if operation == "mean":
        divisor = elementwise(ctx, E.SUM if include_self else E.MAX, count, 1)
        result = elementwise(ctx, E.DIV if dtype.is_floating_point else E.FLOOR_DIV, result, divisor, dtype)
    return result if include_self else select(ctx, compare(ctx, E.GREATER, count, 0), result, tensor, dtype)


@converter("aten.scatter_add.default", rejects=_smaller_index)
def scatter_add(ctx: Context, input: Any, dim: int, index: Any, src: Any) -> trt.ITensor:
    """scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor"""
    return _scattered(ctx, input, dim, index, src, "sum")


def _scattered(
    ctx: Context, input: Any, dim: int, index: Any, src: Any, operation: str, include_self: bool = True
) -> trt.ITensor:
    index = ctx.tensor(index)
    if not len(index.shape):
        one = [reshape(ctx, ctx.tensor(value, dtype), [1]) for value, dtype in ((input, None), (src, _dtype(ctx)))]
        return reshape(ctx, _reduced(ctx, one[0], 0, reshape(ctx, index, [1]), one[1], operation, include_self), [])
    return _reduced(ctx, input, dim, index, _updates(ctx, index, src), operation, include_self)


_LEGACY = {"add": "sum", "multiply": "prod"}


@converter("aten.scatter.reduce", "aten.scatter.value_reduce", rejects=_smaller_index)
def scatter_reduce_legacy(ctx: Context, input: Any, dim: int, index: Any, src: Any, *, reduce: str) -> trt.ITensor:
    """scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor"""
    return _scattered(ctx, input, dim, index, src, _LEGACY[reduce])


@converter("aten.scatter_reduce.two", rejects=_smaller_index)
def scatter_reduce(
    ctx: Context, input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> trt.ITensor:
    """scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, ...) -> Tensor"""
    return _scattered(ctx, input, dim, index, src, reduce, include_self)


@converter("aten.index_reduce.default")
def index_reduce(
    ctx: Context, input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> trt.ITensor:
    """index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, ...) -> Tensor"""
    tensor = ctx.tensor(input)
    ndim = len(tensor.shape)
    column = unsqueeze(ctx, index, range(1, ndim - dim % ndim))
    return _reduced(ctx, tensor, dim, ctx.tensor(column, ndim=ndim), ctx.tensor(source), reduce, include_self)
