"""Reading elements and slices by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses import FakeTensor
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    Size,
    elementwise,
    old_gather,
    is_runtime,
    ndim_of,
    permute,
    reshape,
    select,
    size,
    size_math,
    size_product,
    sizes,
    strided_slice,
)

E = trt.ElementWiseOperation
Indices = Sequence[Any]


def runtime_mask(call: Call, input: Any, indices: Indices, *args: Any) -> str | None:
    """Why an index that only the run knows as a mask is declined."""
    masks = [index for index in indices if isinstance(index, FakeTensor) and index.dtype in (torch.bool, torch.uint8)]
    return "a mask that is computed at run time gives a result whose size depends on data" if masks else None


@converter("aten.index.Tensor", rejects=runtime_mask)
def index_(ctx: Context, input: Any, indices: Indices) -> trt.ITensor:
    """index.Tensor(Tensor self, Tensor?[] indices) -> Tensor"""
    tensor = ctx.tensor(input)
    picked = integer_indices(indices)
    dims = sorted(picked)
    lengths = sizes(ctx, tensor)
    rows = linear_index(ctx, [picked[dim] for dim in dims], [lengths[dim] for dim in dims])
    if not adjacent(dims):
        # the dimensions of the indices come first then
        order = dims + [dim for dim in range(len(lengths)) if dim not in picked]
        tensor, lengths, dims = permute(ctx, tensor, order), [lengths[dim] for dim in order], list(range(len(dims)))
    first, last = dims[0], dims[-1] + 1
    if len(dims) > 1:
        tensor = reshape(ctx, tensor, lengths[:first] + [size_product(ctx, lengths[first:last])] + lengths[last:])
    return old_gather(ctx, tensor, rows, first)


def integer_indices(indices: Indices) -> dict[int, Any]:
    """The index of every dimension that has one; a constant mask is one index for each of its dimensions."""
    picked: dict[int, Any] = {}
    dim = 0
    for index in indices:
        if isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8):
            for coordinate in index.nonzero(as_tuple=True):
                picked[dim] = coordinate
                dim += 1
            continue
        if index is not None:
            picked[dim] = index
        dim += 1
    return picked


def adjacent(dims: Sequence[int]) -> bool:
    """Whether there is no dimension between these, which are sorted."""
    return dims[-1] - dims[0] + 1 == len(dims)


def linear_index(ctx: Context, indices: Sequence[Any], lengths: Sequence[Size]) -> Any:
    """One index into the product of some dimensions, of an index for each."""
    rows: Any = None
    for index, length in zip(indices, lengths, strict=True):
        index = from_end(ctx, index, length)
        rows = index if rows is None else size_math(ctx, E.SUM, size_math(ctx, E.PROD, rows, length), index)
    return rows


def from_end(ctx: Context, index: Any, length: Size) -> Any:
    """``index`` without negative numbers, which count from the end; TensorRT's own gather does not say what they do."""
    if not is_runtime(index):
        if not bool((index < 0).any()):
            return index
        if not is_runtime(length):
            return torch.where(index < 0, index + length, index)
    return select(ctx, elementwise(ctx, E.LESS, index, 0), elementwise(ctx, E.SUM, index, length), index)


@converter("aten.index_select.default")
def index_select(ctx: Context, input: Any, dim: int, index: Any) -> trt.ITensor:
    """index_select(Tensor self, int dim, Tensor index) -> Tensor"""
    tensor = ctx.tensor(input)
    if not len(tensor.shape):
        return tensor
    return old_gather(ctx, tensor, index if ndim_of(index) else reshape(ctx, index, [1]), dim)


@converter("aten.embedding.default")
def embedding(
    ctx: Context,
    weight: Any,
    indices: Any,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> trt.ITensor:
    """embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, ...) -> Tensor"""
    return old_gather(ctx, weight, indices, 0)


@converter("aten.gather.default")
def gather_(ctx: Context, input: Any, dim: int, index: Any, sparse_grad: bool = False) -> trt.ITensor:
    """gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor"""
    tensor, index = ctx.tensor(input), ctx.tensor(index)
    if not len(tensor.shape):
        return reshape(ctx, old_gather(ctx, reshape(ctx, tensor, [1]), reshape(ctx, index, [-1]), 0), sizes(ctx, index))
    layer = ctx.network.add_gather_v2(cropped(ctx, tensor, dim, index), index, trt.GatherMode.ELEMENT)
    layer.axis = dim % len(tensor.shape)
    return layer.get_output(0)


def cropped(ctx: Context, input: trt.ITensor, dim: int | None, index: trt.ITensor) -> trt.ITensor:
    """``input`` with the sizes of ``index`` in all dimensions but ``dim``, which PyTorch lets be larger."""
    ranges = {}
    for other in range(len(input.shape)):
        known = input.shape[other] == index.shape[other] and input.shape[other] >= 0
        if not known and (dim is None or other != dim % len(input.shape)):
            ranges[other] = (0, size(ctx, index, other), 1)
    return strided_slice(ctx, input, ranges) if ranges else input
