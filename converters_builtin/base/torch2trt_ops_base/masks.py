"""Masks: choosing and writing what is true."""

from __future__ import annotations

import torch
from torch._subclasses import FakeTensor
from torch2trt import Context, ConversionError, converter, lib, trt
from torch2trt.lib import Size, Tensor, Value

from .indexing import DEPENDS_ON_DATA, Indices, index_tensor

#: TensorRT for RTX has the layer, and no kernel for it
DATA_DEPENDENT = "tensorrt>=10.0"


def values_of_true(ctx: Context, mask: trt.ITensor, values: trt.ITensor, dim: int) -> trt.ITensor:
    """For every element of ``mask``, in a row, the value that is its own where it is true.

    The k-th true element gets the k-th of ``values`` along ``dim``.
    """
    index = lib.sub(ctx, _count_so_far(ctx, mask), 1)
    # -1 before the first true element
    return lib.index_select(ctx, values, dim, lib.maximum(ctx, index, 0))


def _count_so_far(ctx: Context, mask: Value) -> trt.ITensor:
    """For every element of ``mask``, in a row, how many are true up to and including it."""
    flat = ctx.tensor(lib.reshape(ctx, mask, [-1]), torch.bool)
    return lib.cumsum(ctx, ctx.tensor(flat, torch.int64), 0)


@converter("aten.masked_scatter.default")
def masked_scatter(ctx: Context, input: Value, mask: Value, source: Value) -> trt.ITensor:
    """masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor"""
    tensor, mask = ctx.tensor(input), ctx.tensor(mask)
    lengths = _broadcast_sizes(ctx, tensor, mask)
    tensor, mask = lib.expand(ctx, tensor, lengths), lib.expand(ctx, mask, lengths)
    if 0 in ctx.call.args[2].shape:
        return tensor  # nothing of the mask can be true
    values = values_of_true(ctx, mask, lib.reshape(ctx, source, [-1]), 0)
    return lib.where(ctx, mask, lib.reshape(ctx, values, lengths), tensor)


@converter("aten.nonzero_static.default")
def nonzero_static(ctx: Context, input: Value, size: Size, fill_value: int = -1) -> trt.ITensor:
    """nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor"""
    tensor = ctx.tensor(input)
    ordinal = lib.unsqueeze(ctx, lib.arange(ctx, size, 1), [1])
    # the k-th true element comes after all those up to which fewer than k are true
    fewer = lib.lt(ctx, _count_so_far(ctx, tensor), ordinal)
    rest = lib.sum(ctx, fewer, -1, dtype=torch.int64)
    coordinates = []
    for length in reversed(lib.sizes(ctx, tensor)):
        quotient = lib.floor_divide(ctx, rest, length)
        remainder = lib.sub(ctx, rest, lib.mul(ctx, quotient, length))
        coordinates.append(lib.unsqueeze(ctx, remainder, [1]))
        rest = quotient
    # beyond the last true element the first coordinate has run over its length
    exists = lib.unsqueeze(ctx, lib.eq(ctx, rest, 0), [1])
    return lib.where(ctx, exists, lib.cat(ctx, coordinates[::-1], 1), fill_value, torch.int64)


@converter("aten.nonzero.default", rejects=lambda: DEPENDS_ON_DATA)
def nonzero_at_run_time(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """nonzero(Tensor self) -> Tensor

    Asked first, so that plans say what helps.
    """
    raise ConversionError(DEPENDS_ON_DATA)


@converter("aten.nonzero.default", requires=DATA_DEPENDENT)
def nonzero(ctx: Context, input: trt.ITensor) -> trt.ITensor:
    """nonzero(Tensor self) -> Tensor"""
    coordinates = ctx.network.add_non_zero(input).get_output(0)
    return lib.permute(ctx, ctx.tensor(coordinates, torch.int64), [1, 0])


@converter("aten.index.Tensor", requires=DATA_DEPENDENT)
def index_mask(ctx: Context, input: Value, indices: Indices) -> trt.ITensor:
    """index.Tensor(Tensor self, Tensor?[] indices) -> Tensor"""
    integers: list[Tensor | None] = []
    for index in indices:
        if not lib.is_runtime(index) or index.dtype != trt.bool:
            integers.append(index)
            continue
        coordinates = nonzero(ctx, index)
        integers += [lib.squeeze(ctx, lib.narrow(ctx, coordinates, 1, dim, 1), [1]) for dim in range(len(index.shape))]
    return index_tensor(ctx, input, integers)


def _runtime_or_dynamic(input: torch.Tensor, mask: torch.Tensor) -> str | None:
    if isinstance(mask, FakeTensor):
        return DEPENDS_ON_DATA
    static = all(isinstance(size, int) for size in input.shape)
    return None if static else "a constant mask of an input with dynamic sizes"


@converter("aten.masked_select.default", rejects=_runtime_or_dynamic)
def masked_select_constant(ctx: Context, input: Value, mask: torch.Tensor) -> trt.ITensor:
    """masked_select(Tensor self, Tensor mask) -> Tensor"""
    tensor = ctx.tensor(input)
    shape = torch.broadcast_shapes(tuple(tensor.shape), mask.shape)
    (rows,) = mask.expand(shape).flatten().nonzero(as_tuple=True)
    return lib.index_select(ctx, lib.reshape(ctx, lib.expand(ctx, tensor, shape), [-1]), 0, rows)


@converter("aten.masked_select.default", requires=DATA_DEPENDENT)
def masked_select(ctx: Context, input: Value, mask: Value) -> trt.ITensor:
    """masked_select(Tensor self, Tensor mask) -> Tensor"""
    values, mask = ctx.tensor(input), ctx.tensor(mask)
    lengths = _broadcast_sizes(ctx, values, mask)
    rows = nonzero(ctx, lib.reshape(ctx, lib.expand(ctx, mask, lengths), [-1]))
    flat = lib.reshape(ctx, lib.expand(ctx, values, lengths), [-1])
    return lib.index_select(ctx, flat, 0, lib.squeeze(ctx, rows, [1]))


def _broadcast_sizes(ctx: Context, *tensors: trt.ITensor) -> list[Size]:
    ndim = max(len(tensor.shape) for tensor in tensors)
    lengths: list[Size] = [1] * ndim
    for tensor in tensors:
        for dim in range(-len(tensor.shape), 0):
            # a dynamic size is never 1 for PyTorch
            if tensor.shape[dim] != 1:
                lengths[dim] = lib.size(ctx, tensor, dim)
    return lengths
