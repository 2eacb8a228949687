"""The first elements in order, with their indices: TensorRT's top-k, in several passes where it gives too few.

TensorRT's layer gives 3,840 elements at most, equal ones in the order of their indices.  Each pass takes that many from
all that are left, and puts what comes last of all in their places.  So ``count`` elements take ``count / 3840`` passes
over the whole dimension, in memory for a few tensors of the input's size.

PyTorch takes NaN for the largest; TensorRT does not say where it stands, so it gets numbers in its place.
"""

from __future__ import annotations

import math
import operator

import torch
from torch2trt import Context, lib, trt
from torch2trt.lib import Size, Value

T = trt.TopKOperation
Pair = tuple[trt.ITensor, trt.ITensor]
_AT_ONCE = 3840  #: elements that TensorRT's layer gives
_MOST_PASSES = 32
MOST = _AT_ONCE * _MOST_PASSES  #: elements that are given in order


def too_many(count: int | torch.SymInt) -> str | None:
    """Why so many elements are not given in order."""
    bound = lib.upper_bound(count)
    if bound is not None and bound <= MOST:
        return None
    asked = "an unknown number of" if bound is None else f"up to {bound}"
    return f"at most {MOST} elements are put in order, {_AT_ONCE} at a time; this asks for {asked}"


def first(
    ctx: Context, op: trt.TopKOperation, input: Value, k: Size, dim: int, *, most: int, nan_is_first: bool | None = None
) -> Pair:
    """The first ``k`` of ``input`` along ``dim``, in order, and their indices.

    Args:
        ctx: the context.
        op: whether the largest or the smallest come first.
        input: the tensor.
        k: how many.
        dim: the dimension.
        most: what ``k`` is at most.
        nan_is_first: whether NaN comes first or last; by default it is the largest.
    """
    dtype, ndim = lib.dtype_of(input), max(lib.ndim_of(input), 1)
    tensor, added = lib.at_least_2d(ctx, ctx.tensor(input, lib.compute_dtype(dtype)))
    # counted from the end, a dimension keeps its number
    dim = dim % ndim - ndim
    keys = tensor
    if dtype.is_floating_point:
        keys = _without_nan(ctx, tensor, op, op == T.MAX if nan_is_first is None else nan_is_first)
    several = most > _AT_ONCE
    values, indices = (_in_passes if several else _pass)(ctx, op, keys, k, dim, most)
    if several or dtype.is_floating_point:
        values = lib.gather(ctx, tensor, dim, indices)
    indices = ctx.tensor(indices, torch.int64)
    return ctx.tensor(lib.squeeze(ctx, values, added), dtype), lib.squeeze(ctx, indices, added)


def _pass(ctx: Context, op: trt.TopKOperation, keys: trt.ITensor, k: Size, dim: int, most: int) -> Pair:
    """The keys and indices that one layer gives."""
    layer = ctx.network.add_topk(keys, op, 1 if lib.is_runtime(k) else k, lib.axes_mask(dim, len(keys.shape)))
    if lib.is_runtime(k):
        layer.set_input(1, k)
    return layer.get_output(0), layer.get_output(1)


def _without_nan(ctx: Context, input: trt.ITensor, op: trt.TopKOperation, nan_is_first: bool) -> trt.ITensor:
    """Finite numbers in the order of ``input``, so that an infinity comes after all of them."""
    largest = torch.finfo(torch.float32).max
    halves = lib.mul(ctx, input, 0.5, torch.float32)
    keys = lib.minimum(ctx, lib.maximum(ctx, halves, -0.75 * largest), 0.75 * largest)
    nan_stands_for = largest if nan_is_first == (op == T.MAX) else -largest
    return lib.where(ctx, lib.isnan(ctx, input), nan_stands_for, keys, torch.float32)


def _in_passes(ctx: Context, op: trt.TopKOperation, keys: trt.ITensor, k: Size, dim: int, most: int) -> Pair:
    """The keys as they are left over, and the indices of the first ``k``."""
    keys, places = _with_room(ctx, op, keys, dim)
    length = lib.size(ctx, keys, dim)
    last = _last(op, lib.dtype_of(keys))
    if lib.is_runtime(length):
        # as long as the passes go on
        missing = lib.size_op(ctx, max, lib.size_op(ctx, operator.sub, most, length), 0)
        keys = lib.pad(ctx, keys, [*(0, 0) * (-1 - dim), 0, missing], fill=last)
    found = []
    for start in range(0, most, _AT_ONCE):
        _, indices = _pass(ctx, op, keys, min(most - start, _AT_ONCE), dim, most)
        found.append(indices)
        if start + _AT_ONCE < most:
            keys = _scatter(ctx, keys, dim, indices, torch.tensor(last, dtype=lib.dtype_of(keys)))
    every = lib.narrow(ctx, lib.cat(ctx, found, dim), dim, 0, k)
    return keys, every if places is None else lib.gather(ctx, places, dim, every)


def _last(op: trt.TopKOperation, dtype: torch.dtype) -> float:
    """What comes after all others."""
    if dtype.is_floating_point:
        return -math.inf if op == T.MAX else math.inf
    limits = torch.iinfo(dtype)
    return limits.min if op == T.MAX else limits.max


def _with_room(
    ctx: Context, op: trt.TopKOperation, keys: trt.ITensor, dim: int
) -> tuple[trt.ITensor, trt.ITensor | None]:
    """Keys of which none is the last of its dtype, and the places that they come from if these are others.

    int64 has no wider dtype.  There the last number shares a key with the one before it, which is right where all that
    are the last number stand behind all others.
    """
    if lib.dtype_of(keys) != torch.int64:
        return (keys if lib.dtype_of(keys).is_floating_point else ctx.tensor(keys, torch.int64)), None
    last = _last(op, torch.int64)
    is_last = lib.eq(ctx, keys, torch.tensor(last))
    places = _behind(ctx, is_last, dim)
    capped = (lib.maximum if op == T.MAX else lib.minimum)(ctx, keys, torch.tensor(last + (1 if op == T.MAX else -1)))
    return lib.gather(ctx, capped, dim, places), places


def _behind(ctx: Context, condition: trt.ITensor, dim: int) -> trt.ITensor:
    """The indices along ``dim``, those that meet the condition behind the others."""
    met = ctx.tensor(condition, torch.int64)
    others = lib.sub(ctx, 1, met)
    count = lib.sum(ctx, others, dim, keepdim=True)
    before = lib.sub(ctx, lib.cumsum(ctx, others, dim), 1)
    behind = lib.sub(ctx, lib.add(ctx, lib.cumsum(ctx, met, dim), count), 1)
    target = lib.where(ctx, condition, behind, before)
    positions = lib.unsqueeze(ctx, lib.arange(ctx, lib.size(ctx, target, dim)), range(1, -dim))
    return _scatter(ctx, target, dim, target, positions)


def _scatter(ctx: Context, input: trt.ITensor, dim: int, index: trt.ITensor, source: Value) -> trt.ITensor:
    updates = lib.expand(ctx, source, lib.sizes(ctx, index))
    layer = ctx.network.add_scatter(input, index, updates, trt.ScatterMode.ELEMENT)
    layer.axis = dim % len(input.shape)
    return layer.get_output(0)
