"""Shape layers; sizes are ints where static and 0-d int64 tensors where dynamic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .._trt import trt
from ..network.context import Context, is_runtime
from ._elementwise import elementwise
from ._sizes import Size, size_math
from ._values import dtype_of


def size(ctx: Context, input: trt.ITensor, dim: int) -> Size:
    """``input.size(dim)``."""
    known = input.shape[dim]
    if known >= 0:
        return known
    dim = dim % len(input.shape)
    shape = ctx.network.add_shape(input).get_output(0)
    return ctx.network.add_gather(shape, ctx.tensor(torch.tensor(dim)), 0).get_output(0)


def sizes(ctx: Context, input: trt.ITensor) -> list[Size]:
    """``input.size()``."""
    return [size(ctx, input, dim) for dim in range(len(input.shape))]


def reshape(ctx: Context, input: Any, dims: Sequence[Size]) -> trt.ITensor:
    """``input.reshape(dims)``; one entry may be -1."""
    layer = ctx.network.add_shuffle(ctx.tensor(input))
    # a size of 0 is an empty dimension, not a copy of the input's
    layer.zero_is_placeholder = False
    unknown = [index for index, dim in enumerate(dims) if is_runtime(dim) or dim == -1]
    if len(unknown) <= 1 and 0 not in [dim for dim in dims if not is_runtime(dim)]:
        layer.reshape_dims = tuple(-1 if index in unknown else dim for index, dim in enumerate(dims))
    else:
        layer.set_input(1, ctx.shape(dims))
    return layer.get_output(0)


def permute(ctx: Context, input: Any, dims: Sequence[int]) -> trt.ITensor:
    """``input.permute(dims)``."""
    tensor = ctx.tensor(input)
    layer = ctx.network.add_shuffle(tensor)
    layer.first_transpose = trt.Permutation([dim % len(tensor.shape) for dim in dims])
    return layer.get_output(0)


def unsqueeze(ctx: Context, input: Any, dims: Sequence[int]) -> trt.ITensor:
    """Insert dimensions of size 1 at ``dims`` of the result (not negative)."""
    axes = ctx.tensor(torch.tensor(list(dims), dtype=torch.int64))
    return ctx.network.add_unsqueeze(ctx.tensor(input), axes).get_output(0)


def squeeze(ctx: Context, input: Any, dims: Sequence[int]) -> trt.ITensor:
    """Drop the dimensions ``dims`` (not negative), whose size is 1."""
    if not dims:
        return ctx.tensor(input)
    axes = ctx.tensor(torch.tensor(list(dims), dtype=torch.int64))
    return ctx.network.add_squeeze(ctx.tensor(input), axes).get_output(0)


def concat(ctx: Context, tensors: Sequence[Any], dim: int, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.cat(tensors, dim)``."""
    parts = [ctx.tensor(tensor, dtype) for tensor in tensors]
    layer = ctx.network.add_concatenation(parts)
    layer.axis = dim % len(parts[0].shape)
    return layer.get_output(0)


def broadcast(ctx: Context, input: Any, dims: Sequence[Size]) -> trt.ITensor:
    """``input`` with its rank raised to ``len(dims)`` and every size of 1 stretched to ``dims``."""
    tensor = ctx.tensor(input, ndim=len(dims))
    ndim = len(dims)
    if not ndim or all(not is_runtime(dim) and dim in (-1, have) for dim, have in zip(dims, tensor.shape, strict=True)):
        return tensor
    target = [size(ctx, tensor, index) if not is_runtime(dim) and dim == -1 else dim for index, dim in enumerate(dims)]
    static = all(not is_runtime(dim) for dim in target)
    have = tuple(tensor.shape)
    known_strides = all(size_ != -1 for size_ in have)
    strides = tuple(0 if size_ == 1 else 1 for size_ in have)
    layer = ctx.network.add_slice(tensor, (0,) * ndim, tuple(target) if static else (1,) * ndim, strides)
    if not static:
        layer.set_input(2, ctx.shape(target))
    if not known_strides:
        # a dynamic size may be 1 at run time: then the stride must be 0
        shape = ctx.network.add_shape(tensor).get_output(0)
        one = ctx.tensor(torch.ones(ndim, dtype=torch.int64))
        layer.set_input(
            3,
            elementwise(
                ctx, trt.ElementWiseOperation.MIN, elementwise(ctx, trt.ElementWiseOperation.SUB, shape, one), one
            ),
        )
    return layer.get_output(0)


#: ``Tensor.expand``: the same layer
expand = broadcast


def narrow(ctx: Context, input: Any, dim: int, start: Size, length: Size) -> trt.ITensor:
    """``input.narrow(dim, start, length)``."""
    return strided_slice(ctx, input, {dim: (start, length, 1)})


def strided_slice(
    ctx: Context,
    input: Any,
    ranges: dict[int, tuple[Size, Size, Size]],
    mode: trt.SampleMode | None = None,
    fill: Any = None,
) -> trt.ITensor:
    """Take ``start, start + step, …`` (``length`` elements) of some dimensions.

    Args:
        ctx: the context.
        input: the tensor.
        ranges: dimension to ``(start, length, step)``; nothing is counted from the end.
        mode: what lies outside of the input; by default nothing may.
        fill: the value outside in mode FILL, of the input's dtype.
    """
    tensor = ctx.tensor(input)
    ndim = len(tensor.shape)
    start: list[Size] = [0] * ndim
    length: list[Size] = sizes(ctx, tensor)
    step: list[Size] = [1] * ndim
    for dim, chosen in ranges.items():
        start[dim % ndim], length[dim % ndim], step[dim % ndim] = chosen
    numbers = [tuple(0 if is_runtime(dim) else dim for dim in dims) for dims in (start, length, step)]
    layer = ctx.network.add_slice(tensor, *numbers)
    for index, dims in ((1, start), (2, length), (3, step)):
        if any(map(is_runtime, dims)):
            layer.set_input(index, ctx.shape(dims))
    if mode is not None:
        layer.mode = mode
    if fill is not None:
        layer.set_input(4, ctx.tensor(fill))
    return layer.get_output(0)


def pad(
    ctx: Context, input: Any, amounts: Sequence[Size], mode: trt.SampleMode | None = None, fill: Any = 0
) -> trt.ITensor:
    """``F.pad(input, amounts)``: elements before and after each dimension, the last dimension first.

    Args:
        ctx: the context.
        input: the tensor.
        amounts: negative ones take elements away.
        mode: what the new elements are; by default ``fill``.
        fill: the constant, a number.
    """
    tensor = ctx.tensor(input)
    ranges: dict[int, tuple[Size, Size, Size]] = {}
    for dim, (before, after) in enumerate(zip(amounts[::2], amounts[1::2], strict=True), start=1):
        if is_runtime(before) or is_runtime(after) or before or after:
            added = size_math(ctx, trt.ElementWiseOperation.SUM, before, after)
            length = size_math(ctx, trt.ElementWiseOperation.SUM, size(ctx, tensor, -dim), added)
            ranges[-dim] = (size_math(ctx, trt.ElementWiseOperation.SUB, 0, before), length, 1)
    if not ranges:
        return tensor
    if mode is not None:
        return strided_slice(ctx, tensor, ranges, mode)
    return strided_slice(ctx, tensor, ranges, trt.SampleMode.FILL, torch.tensor(fill, dtype=dtype_of(tensor)))


def gather(ctx: Context, input: Any, indices: Any, dim: int) -> trt.ITensor:
    """``input`` with the dimension ``dim`` replaced by those of ``indices``, which are not negative."""
    tensor = ctx.tensor(input)
    return ctx.network.add_gather(tensor, ctx.tensor(indices), dim % len(tensor.shape)).get_output(0)
