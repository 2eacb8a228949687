"""Verbs that move elements around: shapes, joining and padding, with sizes that may be dynamic."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence

import torch

from .._trt import trt
from ..network.context import Context, is_runtime
from .dims import size, size_op
from .pointwise import elementwise, sub
from .values import Size, Value, dtype_of


def reshape(ctx: Context, input: Value, dims: Sequence[Size]) -> trt.ITensor:
    """``input.reshape(dims)``; one entry may be -1."""
    tensor = ctx.tensor(input)
    if tuple(tensor.shape) == tuple(dims) and -1 not in dims:
        # as an output, TensorRT for RTX 1.6.1 would leave a reshape to the same shape, or its operand, unwritten
        return tensor
    layer = ctx.network.add_shuffle(tensor)
    # a size of 0 is an empty dimension, not a copy of the input's
    layer.zero_is_placeholder = False
    unknown = [index for index, dim in enumerate(dims) if is_runtime(dim) or dim == -1]
    if len(unknown) <= 1 and 0 not in [dim for dim in dims if not is_runtime(dim)]:
        layer.reshape_dims = tuple(-1 if is_runtime(dim) else dim for dim in dims)
    else:
        layer.set_input(1, ctx.shape(dims))
    return layer.get_output(0)


def permute(ctx: Context, input: Value, dims: Sequence[int]) -> trt.ITensor:
    """``input.permute(dims)``."""
    tensor = ctx.tensor(input)
    order = [dim % len(tensor.shape) for dim in dims]
    if order == sorted(order):
        return tensor
    layer = ctx.network.add_shuffle(tensor)
    layer.first_transpose = trt.Permutation(order)
    return layer.get_output(0)


def unsqueeze(ctx: Context, input: Value, dims: Iterable[int]) -> trt.ITensor:
    """Insert dimensions of size 1 at ``dims`` of the result (not negative)."""
    dims = list(dims)
    if not dims:
        return ctx.tensor(input)
    axes = ctx.tensor(torch.tensor(dims, dtype=torch.int64))
    return ctx.network.add_unsqueeze(ctx.tensor(input), axes).get_output(0)


def squeeze(ctx: Context, input: Value, dims: Sequence[int]) -> trt.ITensor:
    """Drop the dimensions ``dims`` (not negative), whose size is 1."""
    if not dims:
        return ctx.tensor(input)
    axes = ctx.tensor(torch.tensor(list(dims), dtype=torch.int64))
    return ctx.network.add_squeeze(ctx.tensor(input), axes).get_output(0)


def at_least_2d(ctx: Context, input: Value) -> tuple[trt.ITensor, list[int]]:
    """``input`` with a rank of 2 or more, which some layers need, and the leading dimensions to squeeze afterwards."""
    tensor = ctx.tensor(input)
    added = list(range(max(2 - len(tensor.shape), 0)))
    return unsqueeze(ctx, tensor, added), added


def cat(ctx: Context, tensors: Sequence[Value], dim: int, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.cat(tensors, dim)``, of tensors cast to ``dtype``."""
    parts = [ctx.tensor(tensor, dtype) for tensor in tensors]
    layer = ctx.network.add_concatenation(parts)
    layer.axis = dim % len(parts[0].shape)
    return layer.get_output(0)


def expand(ctx: Context, input: Value, dims: Sequence[Size]) -> trt.ITensor:
    """``input.expand(dims)``: its rank raised to ``len(dims)``, every size of 1 stretched; -1 keeps a size."""
    tensor = ctx.tensor(input, ndim=len(dims))
    ndim = len(dims)
    if not ndim or all(not is_runtime(dim) and dim in (-1, have) for dim, have in zip(dims, tensor.shape, strict=True)):
        return tensor
    target = [size(ctx, tensor, index) if not is_runtime(dim) and dim == -1 else dim for index, dim in enumerate(dims)]
    known = tuple(dim for dim in target if not is_runtime(dim))
    static = len(known) == ndim
    have = tuple(tensor.shape)
    strides = tuple(0 if length == 1 else 1 for length in have)
    layer = ctx.network.add_slice(tensor, (0,) * ndim, known if static else (1,) * ndim, strides)
    if not static:
        layer.set_input(2, ctx.shape(target))
    if -1 in have:
        # a dynamic size may be 1 at run time: then the stride must be 0
        shape = ctx.network.add_shape(tensor).get_output(0)
        one = ctx.tensor(torch.ones(ndim, dtype=torch.int64))
        layer.set_input(3, elementwise(ctx, trt.ElementWiseOperation.MIN, sub(ctx, shape, one), one))
    return layer.get_output(0)


def narrow(ctx: Context, input: Value, dim: int, start: Size, length: Size) -> trt.ITensor:
    """``input.narrow(dim, start, length)``."""
    return strided_slice(ctx, input, {dim: (start, length, 1)})


def strided_slice(
    ctx: Context,
    input: Value,
    ranges: Mapping[int, tuple[Size, Size, Size]],
    mode: trt.SampleMode | None = None,
    fill: Value | None = None,
) -> trt.ITensor:
    """Take ``start, start + step, …`` (``length`` elements) of some dimensions (TensorRT's ``ISliceLayer``).

    Args:
        ctx: the context.
        input: the tensor.
        ranges: dimension to ``(start, length, step)``; nothing is counted from the end.
        mode: what lies outside of the input; by default nothing may.
        fill: the value outside in mode FILL, of the input's dtype.
    """
    tensor = ctx.tensor(input)
    ndim = len(tensor.shape)
    chosen = {dim % ndim: triple for dim, triple in ranges.items()}
    triples = [chosen[dim] if dim in chosen else (0, size(ctx, tensor, dim), 1) for dim in range(ndim)]
    start, length, step = ([triple[i] for triple in triples] for i in range(3))
    starts, lengths, steps = (tuple(0 if is_runtime(dim) else dim for dim in dims) for dims in (start, length, step))
    layer = ctx.network.add_slice(tensor, starts, lengths, steps)
    for index, dims in ((1, start), (2, length), (3, step)):
        if any(map(is_runtime, dims)):
            layer.set_input(index, ctx.shape(dims))
    if mode is not None:
        layer.mode = mode
    if fill is not None:
        layer.set_input(4, ctx.tensor(fill))
    return layer.get_output(0)


def pad(
    ctx: Context, input: Value, amounts: Sequence[Size], mode: trt.SampleMode | None = None, fill: float = 0
) -> trt.ITensor:
    """``F.pad(input, amounts)``: elements before and after each dimension, the last dimension first.

    Args:
        ctx: the context.
        input: the tensor.
        amounts: negative ones take elements away.
        mode: what the new elements are; by default ``fill``.
        fill: the constant.
    """
    tensor = ctx.tensor(input)
    ranges: dict[int, tuple[Size, Size, Size]] = {}
    for dim, (before, after) in enumerate(zip(amounts[::2], amounts[1::2], strict=True), start=1):
        if is_runtime(before) or is_runtime(after) or before or after:
            added = size_op(ctx, operator.add, before, after)
            known = size(ctx, tensor, -dim)
            length = known if not is_runtime(added) and added == 0 else size_op(ctx, operator.add, known, added)
            ranges[-dim] = (size_op(ctx, operator.sub, 0, before), length, 1)
    if not ranges:
        return tensor
    if mode is not None:
        return strided_slice(ctx, tensor, ranges, mode)
    return strided_slice(ctx, tensor, ranges, trt.SampleMode.FILL, torch.tensor(fill, dtype=dtype_of(tensor)))


def index_select(ctx: Context, input: Value, dim: int, index: Value) -> trt.ITensor:
    """``torch.index_select(input, dim, index)``, where ``index`` has any rank, whose dimensions replace ``dim``.

    No index may be negative: TensorRT does not say what these read.
    """
    tensor = ctx.tensor(input)
    return ctx.network.add_gather(tensor, ctx.tensor(index), dim % len(tensor.shape)).get_output(0)


def gather(ctx: Context, input: Value, dim: int, index: Value) -> trt.ITensor:
    """``torch.gather(input, dim, index)`` for equal sizes in all other dimensions and no negative index."""
    tensor = ctx.tensor(input)
    layer = ctx.network.add_gather_v2(tensor, ctx.tensor(index), trt.GatherMode.ELEMENT)
    layer.axis = dim % len(tensor.shape)
    return layer.get_output(0)
