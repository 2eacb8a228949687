"""Writing elements and slices by index."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch._subclasses import FakeTensor
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Tensor, Value

from .indexing import Indices, adjacent, integer_indices, linear_index, runtime_mask
from .masks import values_of_true


def _accumulated_bools(input: torch.Tensor, accumulate: bool) -> str | None:
    return "accumulating bools" if accumulate and input.dtype is torch.bool else None


def _not_integers(input: torch.Tensor, indices: Sequence[torch.Tensor | None], accumulate: bool) -> str | None:
    return _accumulated_bools(input, accumulate) or runtime_mask(indices)


@converter("aten.index_put.default", rejects=_not_integers)
def index_put(ctx: Context, input: Value, indices: Indices, values: Value, accumulate: bool = False) -> trt.ITensor:
    """index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor"""
    tensor = ctx.tensor(input)
    index_of = integer_indices(indices)
    dims, lengths = sorted(index_of), lib.sizes(ctx, tensor)
    rest = [dim for dim in range(len(lengths)) if dim not in index_of]
    rows = ctx.tensor(linear_index(ctx, [index_of[dim] for dim in dims], [lengths[dim] for dim in dims]))
    # the values broadcast to what index.Tensor would read, which has the dimensions of the indices in one place
    before = [dim for dim in rest if dim < dims[0]] if adjacent(dims) else []
    after = [dim for dim in rest if dim not in before]
    read = [lengths[dim] for dim in before] + lib.sizes(ctx, rows) + [lengths[dim] for dim in after]
    values = lib.expand(ctx, ctx.tensor(values, ctx.call.result.dtype), read)
    start, stop = len(before), len(before) + len(rows.shape)
    values = lib.permute(ctx, values, [*range(start, stop), *range(start), *range(stop, len(read))])
    # as a matrix whose rows are slices
    order, inner = dims + rest, [lengths[dim] for dim in rest]
    count = lib.size_product(ctx, lib.sizes(ctx, rows))
    outer = lib.size_product(ctx, [lengths[dim] for dim in dims])
    data = lib.reshape(ctx, lib.permute(ctx, tensor, order), [outer, *inner])
    write = add_rows if accumulate else scatter_rows
    written = write(ctx, data, lib.reshape(ctx, rows, [count]), lib.reshape(ctx, values, [count, *inner]))
    whole = lib.reshape(ctx, written, [lengths[dim] for dim in order])
    return lib.permute(ctx, whole, [order.index(dim) for dim in range(len(order))])


def scatter_rows(ctx: Context, data: trt.ITensor, rows: Tensor, values: trt.ITensor) -> trt.ITensor:
    """``data`` with ``data[rows[k]] = values[k]``."""
    tuples = lib.unsqueeze(ctx, rows, [1])
    return ctx.network.add_scatter(data, tuples, values, trt.ScatterMode.ND).get_output(0)


def add_rows(ctx: Context, data: trt.ITensor, rows: Tensor, values: trt.ITensor) -> trt.ITensor:
    """``data`` with ``data[rows[k]] += values[k]``; TensorRT cannot add while it scatters."""
    ndim = len(data.shape)
    targets = lib.unsqueeze(ctx, lib.arange(ctx, lib.size(ctx, data, 0)), [1])
    # (rows of data, rows of values)
    matches = lib.eq(ctx, targets, ctx.tensor(rows, torch.int64))
    if ndim > 1:
        matches = lib.unsqueeze(ctx, matches, range(2, ndim + 1))
    terms = lib.where(ctx, matches, lib.unsqueeze(ctx, values, [0]), 0, ctx.call.result.dtype)
    return lib.add(ctx, data, lib.sum(ctx, terms, 1))


@converter("aten.put.default")
def put(ctx: Context, input: Value, index: Tensor, source: Value, accumulate: bool = False) -> trt.ITensor:
    """put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor"""
    tensor = ctx.tensor(input)
    lengths = lib.sizes(ctx, tensor)
    rows = lib.reshape(ctx, linear_index(ctx, [index], [lib.size_product(ctx, lengths)]), [-1])
    write = add_rows if accumulate else scatter_rows
    written = write(ctx, lib.reshape(ctx, tensor, [-1]), rows, lib.reshape(ctx, source, [-1]))
    return lib.reshape(ctx, written, lengths)


def _not_one_mask(input: torch.Tensor, indices: Sequence[torch.Tensor | None], accumulate: bool) -> str | None:
    given = [index for index in indices if index is not None]
    if len(given) != 1 or not isinstance(given[0], FakeTensor) or given[0].dtype is not torch.bool:
        return "a mask together with other indices"
    return _accumulated_bools(input, accumulate)


@converter("aten.index_put.default", rejects=_not_one_mask)
def index_put_mask(
    ctx: Context, input: Value, indices: Indices, values: Value, accumulate: bool = False
) -> trt.ITensor:
    """index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor"""
    tensor, dtype = ctx.tensor(input), ctx.call.result.dtype
    (dim,) = (position for position, index in enumerate(indices) if index is not None)
    mask, values = ctx.tensor(indices[dim]), ctx.tensor(values, dtype)
    ndim = len(mask.shape)
    trailing = len(tensor.shape) - dim - ndim
    # the dimension of the values that runs over what is true
    along = len(values.shape) - trailing - 1
    if along >= 0:
        count = ctx.call.args[2].shape[along]
        single = isinstance(count, int) and count == 1
        if not single:
            values = values_of_true(ctx, mask, values, along)
        lengths = lib.sizes(ctx, values)
        lengths[along : along + 1] = [1] * ndim if single else lib.sizes(ctx, mask)
        values = lib.reshape(ctx, values, lengths)
    if accumulate:
        values = lib.add(ctx, tensor, values, dtype)
    whole_mask = lib.unsqueeze(ctx, mask, range(ndim, ndim + trailing))
    return lib.where(ctx, whole_mask, values, tensor, dtype)
