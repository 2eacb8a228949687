"""Scattering along a dimension, with every reduction."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .indexing import cropped
from .sizes import same_size

R = trt.ReduceOperation
#: how the elements that are scattered to one place are combined, and how their result with the element there
_OPERATIONS = {
    "sum": (R.SUM, lib.sum, lib.add),
    "mean": (R.SUM, lib.sum, lib.add),
    "prod": (R.PROD, lib.prod, lib.mul),
    "amax": (R.MAX, lib.amax, lib.maximum),
    "amin": (R.MIN, lib.amin, lib.minimum),
}
_LEGACY = {"add": "sum", "multiply": "prod"}
#: what sums and products of bools are
_OF_BOOLS = {"sum": "amax", "prod": "amin"}


@converter("aten.scatter.src", "aten.scatter.value")
def scatter(ctx: Context, input: Value, dim: int, index: Value, src: Value) -> trt.ITensor:
    """scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor"""
    tensor = ctx.tensor(input)
    index = ctx.tensor(index, ndim=len(tensor.shape))
    if not len(tensor.shape):
        return lib.reshape(ctx, ctx.tensor(src, ctx.call.result.dtype), [])
    length, count = lib.size(ctx, tensor, dim), lib.size(ctx, index, dim)
    # TensorRT scatters along a dimension no more often than it is long
    fits = isinstance(length, int) and isinstance(count, int) and count <= length
    if not fits:
        longer = lib.size_op(ctx, operator.add, length, count)
        tensor = lib.strided_slice(ctx, tensor, {dim: (0, longer, 1)}, trt.SampleMode.FILL)
    layer = ctx.network.add_scatter(tensor, index, _updates(ctx, index, src), trt.ScatterMode.ELEMENT)
    layer.axis = dim % len(tensor.shape)
    return layer.get_output(0) if fits else lib.narrow(ctx, layer.get_output(0), dim, 0, length)


def _updates(ctx: Context, index: trt.ITensor, src: Value) -> trt.ITensor:
    """The part of ``src`` (or the number) that goes to ``index``."""
    source = ctx.tensor(src, ctx.call.result.dtype)
    return cropped(ctx, source, None, index) if len(source.shape) else lib.expand(ctx, source, lib.sizes(ctx, index))


@converter("aten.scatter_add.default")
def scatter_add(ctx: Context, input: Value, dim: int, index: Value, src: Value) -> trt.ITensor:
    """scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor"""
    return scatter_reduce(ctx, input, dim, index, src, "sum")


@converter("aten.scatter.reduce", "aten.scatter.value_reduce")
def scatter_reduce_legacy(
    ctx: Context, input: Value, dim: int, index: Value, src: Value, *, reduce: str
) -> trt.ITensor:
    """scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor"""
    return scatter_reduce(ctx, input, dim, index, src, _LEGACY[reduce])


@converter("aten.scatter_reduce.two")
def scatter_reduce(
    ctx: Context, input: Value, dim: int, index: Value, src: Value, reduce: str, *, include_self: bool = True
) -> trt.ITensor:
    """scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, ...) -> Tensor"""
    tensor, index = ctx.tensor(input), ctx.tensor(index)
    updates = _updates(ctx, index, src)
    if lib.dtype_of(tensor) is torch.bool:
        tensor, updates = ctx.tensor(tensor, torch.int32), ctx.tensor(updates, torch.int32)
        reduce = _OF_BOOLS.get(reduce, reduce)
    if len(tensor.shape):
        rest = _beyond(ctx, tensor, dim, index)
        result = _reduced(ctx, tensor, dim, index, updates, reduce, include_self, rest)
    else:
        result = _reduced_scalar(ctx, tensor, index, updates, reduce, include_self)
    return ctx.tensor(result, ctx.call.result.dtype)


def _beyond(ctx: Context, tensor: trt.ITensor, dim: int, index: trt.ITensor) -> list[Size]:
    """How far the tensor goes on, as amounts of a padding, where the index ends in other dimensions than ``dim``."""
    given, given_index = (ctx.call.args[position].shape for position in (0, 2))
    amounts: list[Size] = []
    for other in reversed(range(len(given))):
        ends = other != dim % len(given) and not same_size(given[other], given_index[other])
        size, taken = (lib.size(ctx, one, other) if ends else 0 for one in (tensor, index))
        amounts += [0, lib.size_op(ctx, operator.sub, size, taken)]
    return amounts


def _reduced_scalar(
    ctx: Context, tensor: trt.ITensor, index: Value, updates: Value, reduce: str, include_self: bool
) -> trt.ITensor:
    row, one, update = (lib.reshape(ctx, scalar, [-1]) for scalar in (tensor, index, updates))
    return lib.reshape(ctx, _reduced(ctx, row, 0, one, update, reduce, include_self), [])


@converter("aten.index_reduce.default")
def index_reduce(
    ctx: Context, input: Value, dim: int, index: Value, source: Value, reduce: str, *, include_self: bool = True
) -> trt.ITensor:
    """index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, ...) -> Tensor"""
    tensor = ctx.tensor(input)
    ndim = len(tensor.shape)
    if not ndim:
        return _reduced_scalar(ctx, tensor, index, source, reduce, include_self)
    column = ctx.tensor(lib.unsqueeze(ctx, index, range(1, ndim - dim % ndim)), ndim=ndim)
    return _reduced(ctx, tensor, dim, column, ctx.tensor(source), reduce, include_self)


def _reduced(
    ctx: Context,
    tensor: trt.ITensor,
    dim: int,
    index: trt.ITensor,
    updates: trt.ITensor,
    reduce: str,
    include_self: bool,
    beyond: Sequence[Size] = (),
) -> trt.ITensor:
    """Every element with all that is scattered to it; TensorRT's own scatter only replaces.

    Each target is compared with each index: the table has a dimension of targets before that of indices.  To what is
    ``beyond`` the index in other dimensions nothing is scattered.
    """
    dtype, ndim = lib.dtype_of(tensor), len(tensor.shape)
    dim %= ndim
    op, over, join = _OPERATIONS[reduce]
    targets = lib.unsqueeze(ctx, lib.arange(ctx, lib.size(ctx, tensor, dim)), range(1, ndim - dim + 1))
    matches = lib.eq(ctx, lib.unsqueeze(ctx, ctx.tensor(index, torch.int64), [dim]), targets)
    terms = lib.where(ctx, matches, lib.unsqueeze(ctx, updates, [dim]), lib.neutral_element(op, dtype), dtype)
    result = lib.pad(ctx, over(ctx, terms, dim + 1), beyond, fill=lib.neutral_element(op, dtype))
    count = lib.pad(ctx, lib.sum(ctx, matches, dim + 1, dtype=torch.int64), beyond)
    if include_self:
        result = join(ctx, tensor, result, dtype)
    if reduce == "mean":
        divisor = lib.add(ctx, count, 1) if include_self else lib.maximum(ctx, count, 1)
        divide = lib.div if dtype.is_floating_point else lib.floor_divide
        result = divide(ctx, result, divisor, dtype)
    return result if include_self else lib.where(ctx, lib.gt(ctx, count, 0), result, tensor, dtype)
