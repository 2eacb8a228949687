"""Shapes: views, permutations, slices and concatenation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    broadcast,
    concat,
    elementwise,
    is_runtime,
    narrow,
    permute,
    reshape,
    select,
    size,
    squeeze,
    strided_slice,
    unsqueeze,
)

Sizes = Sequence[Any]
E = trt.ElementWiseOperation


@converter("aten.view.default", "aten.reshape.default", "aten._unsafe_view.default")
def view(ctx: Context, input: trt.ITensor, size: Sizes) -> trt.ITensor:
    """view(Tensor(a) self, SymInt[] size) -> Tensor(a)"""
    # a size that PyTorch knows is static, however it was computed
    known = [want if isinstance(want, int) else given for given, want in zip(size, ctx.call.result.shape, strict=True)]
    return reshape(ctx, input, known)


@converter("aten.permute.default")
def permute_(ctx: Context, input: trt.ITensor, dims: Sequence[int]) -> trt.ITensor:
    """permute(Tensor(a) self, int[] dims) -> Tensor(a)"""
    return permute(ctx, input, dims)


@converter("aten.transpose.int")
def transpose(ctx: Context, input: trt.ITensor, dim0: int, dim1: int) -> trt.ITensor:
    """transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)"""
    dims = list(range(len(input.shape)))
    if dims:
        dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return permute(ctx, input, dims)


@converter("aten.t.default")
def t(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """t(Tensor(a) self) -> Tensor(a)"""
    return permute(ctx, input, range(len(input.shape))[::-1])


@converter("aten.expand.default")
def expand(ctx: Context, input: trt.ITensor, size: Sizes, implicit: bool = False) -> trt.ITensor:
    """expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)"""
    return broadcast(ctx, input, size)


@converter("aten.unsqueeze.default")
def unsqueeze_(ctx: Context, input: trt.ITensor, dim: int) -> trt.ITensor:
    """unsqueeze(Tensor(a) self, int dim) -> Tensor(a)"""
    return unsqueeze(ctx, input, [dim % ctx.call.result.dim()])


@converter("aten.squeeze.dim", "aten.squeeze.dims", "aten.squeeze.default")
def squeeze_(ctx: Context, input: trt.ITensor, dim: int | Sequence[int] | None = None) -> trt.ITensor:
    """squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)"""
    ndim = len(input.shape)
    asked = range(ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    # PyTorch keeps a dimension whose size is not 1
    return squeeze(ctx, input, [d % ndim for d in asked if ndim and input.shape[d % ndim] == 1])


@converter("aten.cat.default")
def cat(ctx: Context, tensors: Sequence[Any], dim: int = 0) -> trt.ITensor:
    """cat(Tensor[] tensors, int dim=0) -> Tensor"""
    # PyTorch passes over legacy tensors of shape (0,)
    parts = [tensor for tensor in tensors if tuple(tensor.shape) != (0,) or ctx.call.result.dim() == 1]
    return concat(ctx, parts, dim, ctx.call.result.dtype)


@converter("aten.select.int")
def select_(ctx: Context, input: trt.ITensor, dim: int, index: Any) -> trt.ITensor:
    """select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)"""
    return squeeze(ctx, narrow(ctx, input, dim, _from_end(ctx, input, dim, index), 1), [dim % len(input.shape)])


@converter("aten.slice.Tensor")
def slice_(
    ctx: Context, input: trt.ITensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> trt.ITensor:
    """slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)"""
    length = size(ctx, input, dim)
    begin = _bounded(ctx, input, dim, 0 if start is None else start, length)
    stop = _bounded(ctx, input, dim, sys.maxsize if end is None else end, length)
    if begin == 0 and step == 1 and stop is length:
        return input
    known = ctx.call.result.shape[dim]
    count = known if isinstance(known, int) else _count(ctx, begin, stop, step)
    return strided_slice(ctx, input, {dim: (begin, count, step)})


def _from_end(ctx: Context, input: trt.ITensor, dim: int, index: Any) -> Any:
    """``index``, counted from the end where it is negative."""
    if not is_runtime(index):
        return index if index >= 0 else _add(ctx, size(ctx, input, dim), index)
    return select(ctx, elementwise(ctx, E.LESS, index, 0), _add(ctx, size(ctx, input, dim), index), index)


def _bounded(ctx: Context, input: trt.ITensor, dim: int, index: Any, length: Any) -> Any:
    """``index`` as slices understand it: from the end where negative, then inside of ``0..length``."""
    if not is_runtime(index) and not is_runtime(length):
        return min(max(index + length if index < 0 else index, 0), length)
    if not is_runtime(index) and index in (0, sys.maxsize):
        return 0 if index == 0 else length
    index = _from_end(ctx, input, dim, index)
    return elementwise(ctx, E.MIN, elementwise(ctx, E.MAX, index, 0, torch.int64), length, torch.int64)


def _add(ctx: Context, first: Any, second: Any) -> Any:
    return (
        elementwise(ctx, E.SUM, first, second, torch.int64)
        if is_runtime(first) or is_runtime(second)
        else first + second
    )


def _count(ctx: Context, begin: Any, stop: Any, step: int) -> Any:
    """``ceil((stop - begin) / step)``, at least 0."""
    span = elementwise(ctx, E.MAX, elementwise(ctx, E.SUB, stop, begin, torch.int64), 0, torch.int64)
    return span if step == 1 else elementwise(ctx, E.FLOOR_DIV, _add(ctx, span, step - 1), step, torch.int64)


def _static_pieces(call: Call, *args: Any) -> str | None:
    dim = args[2] if len(args) > 2 else 0
    dynamic = any(not isinstance(piece.shape[dim], int) for piece in call.results)
    return "the split dimension is dynamic" if dynamic else None


@converter("aten.split.Tensor", "aten.split_with_sizes.default", "aten.split.sizes", rejects=_static_pieces)
def split(ctx: Context, input: trt.ITensor, split_size: Any, dim: int = 0) -> list[trt.ITensor]:
    """split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]"""
    pieces, start = [], 0
    for piece in ctx.call.results:
        pieces.append(narrow(ctx, input, dim, start, piece.shape[dim]))
        start += piece.shape[dim]
    return pieces
