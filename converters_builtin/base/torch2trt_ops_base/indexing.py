"""Reading elements and slices by index."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch._subclasses import FakeTensor
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Tensor, Value

#: an index for each dimension, or None where all of it is taken; a mask stands for as many dimensions as it has
Indices: TypeAlias = "Sequence[Tensor | None]"

DEPENDS_ON_DATA = (
    "a mask that is computed at run time gives a result whose size depends on data; nothing of that size is needed for "
    "what is computed of each row, reduced, scattered or written back with the same mask, nor for torch.where; "
    "pad_packed_sequence gives one of a known size where it is given total_length=x.shape[1]"
)


def runtime_mask(indices: Sequence[torch.Tensor | None]) -> str | None:
    """Why an index that only the run knows as a mask is declined."""
    masks = [index for index in indices if isinstance(index, FakeTensor) and _is_mask(index)]
    return DEPENDS_ON_DATA if masks else None


def _is_mask(index: torch.Tensor) -> bool:
    return index.dtype in (torch.bool, torch.uint8)


@converter("aten.index.Tensor", rejects=runtime_mask)
def index_tensor(ctx: Context, input: Value, indices: Indices) -> trt.ITensor:
    """index.Tensor(Tensor self, Tensor?[] indices) -> Tensor"""
    tensor = ctx.tensor(input)
    index_of = integer_indices(indices)
    dims = sorted(index_of)
    lengths = lib.sizes(ctx, tensor)
    rows = linear_index(ctx, [index_of[dim] for dim in dims], [lengths[dim] for dim in dims])
    if not adjacent(dims):
        # the dimensions of the indices come first then
        order = dims + [dim for dim in range(len(lengths)) if dim not in index_of]
        tensor, lengths, dims = lib.permute(ctx, tensor, order), [lengths[dim] for dim in order], list(range(len(dims)))
    first, last = dims[0], dims[-1] + 1
    if len(dims) > 1:
        joined = lib.size_product(ctx, lengths[first:last])
        tensor = lib.reshape(ctx, tensor, [*lengths[:first], joined, *lengths[last:]])
    return lib.index_select(ctx, tensor, first, rows)


def integer_indices(indices: Indices) -> dict[int, Tensor]:
    """The index of every dimension that has one; a constant mask is one index for each of its dimensions."""
    index_of: dict[int, Tensor] = {}
    dim = 0
    for index in indices:
        if isinstance(index, torch.Tensor) and _is_mask(index):
            for coordinate in index.nonzero(as_tuple=True):
                index_of[dim] = coordinate
                dim += 1
            continue
        if index is not None:
            index_of[dim] = index
        dim += 1
    return index_of


def adjacent(dims: Sequence[int]) -> bool:
    """Whether there is no dimension between these, which are sorted."""
    return dims[-1] - dims[0] + 1 == len(dims)


def linear_index(ctx: Context, indices: Sequence[Tensor], lengths: Sequence[Size]) -> Tensor:
    """One index into the product of some dimensions, of an index for each."""
    rows, *others = (_from_start(ctx, index, length) for index, length in zip(indices, lengths, strict=True))
    for index, length in zip(others, lengths[1:], strict=True):
        rows = lib.size_op(ctx, operator.add, lib.size_op(ctx, operator.mul, rows, length), index)
    return rows


def _from_start(ctx: Context, index: Tensor, length: Size) -> Tensor:
    """``index`` without negative numbers, which count from the end; TensorRT's own gather does not say what they do."""
    if isinstance(index, torch.Tensor):
        if not bool((index < 0).any()):
            return index
        if isinstance(length, int):
            return torch.where(index < 0, index + length, index)
    return lib.where(ctx, lib.lt(ctx, index, 0), lib.add(ctx, index, length), index)


@converter("aten.index_select.default")
def index_select(ctx: Context, input: Value, dim: int, index: Value) -> trt.ITensor:
    """index_select(Tensor self, int dim, Tensor index) -> Tensor"""
    tensor = ctx.tensor(input)
    if not len(tensor.shape):
        return tensor
    return lib.index_select(ctx, tensor, dim, index if lib.ndim_of(index) else lib.reshape(ctx, index, [1]))


@converter("aten.embedding.default")
def embedding(
    ctx: Context,
    weight: Value,
    indices: Value,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> trt.ITensor:
    """embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, ...) -> Tensor"""
    return lib.index_select(ctx, weight, 0, indices)


@converter("aten.gather.default")
def gather(ctx: Context, input: Value, dim: int, index: Value, sparse_grad: bool = False) -> trt.ITensor:
    """gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor"""
    tensor, index = ctx.tensor(input), ctx.tensor(index)
    if not len(tensor.shape):
        elements = lib.index_select(ctx, lib.reshape(ctx, tensor, [1]), 0, lib.reshape(ctx, index, [-1]))
        return lib.reshape(ctx, elements, lib.sizes(ctx, index))
    return lib.gather(ctx, cropped(ctx, tensor, dim, index), dim, index)


def cropped(ctx: Context, input: trt.ITensor, dim: int | None, index: trt.ITensor) -> trt.ITensor:
    """``input`` with the sizes of ``index`` in all dimensions but ``dim``, which PyTorch lets be larger."""
    ranges: dict[int, tuple[Size, Size, Size]] = {}
    for other in range(len(input.shape)):
        equal = input.shape[other] == index.shape[other] and input.shape[other] >= 0
        if not equal and (dim is None or other != dim % len(input.shape)):
            ranges[other] = (0, lib.size(ctx, index, other), 1)
    return lib.strided_slice(ctx, input, ranges) if ranges else input
