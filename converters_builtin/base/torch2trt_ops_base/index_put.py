"""Writing elements and slices by index."""

from __future__ import annotations

from typing import Any

import torch
from torch._subclasses import FakeTensor
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    arange,
    broadcast,
    cast,
    compare,
    elementwise,
    permute,
    reduce,
    reshape,
    select,
    size,
    size_product,
    sizes,
    unsqueeze,
)

from .indexing import Indices, adjacent, integer_indices, linear_index, runtime_mask
from .masks import values_of_true

E = trt.ElementWiseOperation


def _declined(call: Call, input: Any, indices: Indices, values: Any, accumulate: bool = False) -> str | None:
    if accumulate and input.dtype is torch.bool:
        return "accumulating bools"
    return runtime_mask(call, input, indices)


@converter("aten.index_put.default", rejects=_declined)
def index_put(ctx: Context, input: Any, indices: Indices, values: Any, accumulate: bool = False) -> trt.ITensor:
    """index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor"""
    tensor = ctx.tensor(input)
    picked = integer_indices(indices)
    dims, lengths = sorted(picked), sizes(ctx, tensor)
    rest = [dim for dim in range(len(lengths)) if dim not in picked]
    order = dims + rest
    rows = ctx.tensor(linear_index(ctx, [picked[dim] for dim in dims], [lengths[dim] for dim in dims]))
    # the values broadcast to what index.Tensor would read, which has the dimensions of the indices in one place
    before = [dim for dim in rest if dim < dims[0]] if adjacent(dims) else []
    after = [dim for dim in rest if dim not in before]
    read = [lengths[dim] for dim in before] + sizes(ctx, rows) + [lengths[dim] for dim in after]
    values = broadcast(ctx, ctx.tensor(values, ctx.call.result.dtype), read)
    skip, width = len(before), len(rows.shape)
    values = permute(ctx, values, [*range(skip, skip + width), *range(skip), *range(skip + width, len(read))])
    inner = [lengths[dim] for dim in rest]
    count = size_product(ctx, sizes(ctx, rows))
    data = reshape(ctx, permute(ctx, tensor, order), [size_product(ctx, [lengths[dim] for dim in dims]), *inner])
    write = add_rows if accumulate else scatter_rows
    written = write(ctx, data, reshape(ctx, rows, [count]), reshape(ctx, values, [count, *inner]))
    whole = reshape(ctx, written, [lengths[dim] for dim in order])
    return permute(ctx, whole, [order.index(dim) for dim in range(len(order))])


def scatter_rows(ctx: Context, data: trt.ITensor, rows: Any, values: trt.ITensor) -> trt.ITensor:
    """``data`` with ``data[rows[k]] = values[k]``."""
    tuples = unsqueeze(ctx, rows, [1])
    return ctx.network.add_scatter(data, tuples, values, trt.ScatterMode.ND).get_output(0)


def add_rows(ctx: Context, data: trt.ITensor, rows: Any, values: trt.ITensor) -> trt.ITensor:
    """``data`` with ``data[rows[k]] += values[k]``; TensorRT cannot add while it scatters."""
    ndim = len(data.shape)
    targets = unsqueeze(ctx, arange(ctx, size(ctx, data, 0)), [1])
    hit = compare(ctx, E.EQUAL, targets, cast(ctx, rows, torch.int64))  # (rows of data, rows of values)
    spread = unsqueeze(ctx, hit, range(2, ndim + 1)) if ndim > 1 else hit
    terms = select(ctx, spread, unsqueeze(ctx, values, [0]), 0, ctx.call.result.dtype)
    return elementwise(ctx, E.SUM, data, reduce(ctx, trt.ReduceOperation.SUM, terms, 1))


@converter("aten.put.default")
def put(ctx: Context, input: Any, index: Any, source: Any, accumulate: bool = False) -> trt.ITensor:
    """put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor"""
    tensor = ctx.tensor(input)
    lengths = sizes(ctx, tensor)
    rows = reshape(ctx, linear_index(ctx, [index], [size_product(ctx, lengths)]), [-1])
    write = add_rows if accumulate else scatter_rows
    return reshape(ctx, write(ctx, reshape(ctx, tensor, [-1]), rows, reshape(ctx, source, [-1])), lengths)


def _not_a_lone_mask(call: Call, input: Any, indices: Indices, values: Any, accumulate: bool = False) -> str | None:
    given = [index for index in indices if index is not None]
    if len(given) != 1 or not isinstance(given[0], FakeTensor) or given[0].dtype is not torch.bool:
        return "a mask together with other indices"
    return "accumulating bools" if accumulate and input.dtype is torch.bool else None


@converter("aten.index_put.default", rejects=_not_a_lone_mask)
def index_put_mask(ctx: Context, input: Any, indices: Indices, values: Any, accumulate: bool = False) -> trt.ITensor:
    """index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor"""
    tensor, dtype = ctx.tensor(input), ctx.call.result.dtype
    (dim,) = (position for position, index in enumerate(indices) if index is not None)
    mask = indices[dim]
    width = len(mask.shape)
    trailing = len(tensor.shape) - dim - width
    values = ctx.tensor(values, dtype)
    # the dimension of the values that runs over what is true
    along = len(values.shape) - trailing - 1
    if along >= 0:
        one = ctx.call.args[2].shape[along] == 1
        spread = [1] * width if one is True else sizes(ctx, mask)
        if one is not True:
            values = values_of_true(ctx, mask, values, along)
        lengths = sizes(ctx, values)
        values = reshape(ctx, values, lengths[:along] + spread + lengths[along + 1 :])
    if accumulate:
        values = elementwise(ctx, E.SUM, tensor, values, dtype)
    spread_mask = unsqueeze(ctx, mask, range(width, width + trailing)) if trailing else mask
    return select(ctx, spread_mask, values, tensor, dtype)
