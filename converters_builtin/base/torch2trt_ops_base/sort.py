"""What TensorRT's top-k gives: sorting, the k-th value, extremes with their indices, medians.

PyTorch takes NaN for the largest; TensorRT does not say where it stands.
"""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    ConverterFunction,
    cast,
    dtype_of,
    elementwise,
    is_runtime,
    named,
    narrow,
    number_of,
    reshape,
    size,
    squeeze,
    unsqueeze,
    upper_bound,
)

E, T = trt.ElementWiseOperation, trt.TopKOperation
Pair = tuple[trt.ITensor, trt.ITensor]
_MOST = 3840  #: elements that TensorRT's layer gives


def _top(ctx: Context, op: trt.TopKOperation, input: Any, k: Any, dim: int) -> Pair:
    """The first ``k`` of ``input`` along ``dim``, in order, and their indices."""
    dtype, ndim = dtype_of(input), len(input.shape)
    number = cast(ctx, input, number_of(dtype))
    # the layer takes two dimensions or more
    extra = list(range(max(2 - ndim, 0)))
    tensor = unsqueeze(ctx, number, extra) if extra else number
    axis = dim % max(ndim, 1) + len(extra) if ndim else 1
    layer = ctx.network.add_topk(tensor, op, 1 if is_runtime(k) else k, 1 << axis)
    if is_runtime(k):
        layer.set_input(1, k)
    values, indices = layer.get_output(0), cast(ctx, layer.get_output(1), torch.int64)
    # a scalar has a dimension of its own in the layer, of which nothing is left
    return cast(ctx, squeeze(ctx, values, extra), dtype), squeeze(ctx, indices, extra)


def _too_many(count: Any) -> str | None:
    bound = upper_bound(count)
    if bound is not None and bound <= _MOST:
        return None
    found = "an unknown number of" if bound is None else f"up to {bound}"
    return f"TensorRT's top-k gives at most {_MOST} elements, this asks for {found}"


def _topk_too_many(call: Call, input: Any, k: Any, *_: Any) -> str | None:
    return _too_many(k)


@converter("aten.topk.default", rejects=_topk_too_many)
def topk(ctx: Context, input: Any, k: Any, dim: int = -1, largest: bool = True, sorted: bool = True) -> Pair:
    """topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor, Tensor)"""
    return _top(ctx, T.MAX if largest else T.MIN, input, k, dim)


def _sort_too_many(call: Call, input: Any, dim: int = -1, *_: Any, **__: Any) -> str | None:
    return _too_many(input.shape[dim] if input.dim() else 1)


@converter("aten.sort.default", rejects=_sort_too_many)
def sort(ctx: Context, input: Any, dim: int = -1, descending: bool = False) -> Pair:
    """sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)"""
    length = size(ctx, input, dim) if len(input.shape) else 1
    return _top(ctx, T.MAX if descending else T.MIN, input, length, dim)


def _stable_too_many(call: Call, input: Any, *, stable: bool | None, dim: int = -1, **_: Any) -> str | None:
    return _sort_too_many(call, input, dim)


@converter("aten.sort.stable", rejects=_stable_too_many)
def sort_stable(ctx: Context, input: Any, *, stable: bool | None, dim: int = -1, descending: bool = False) -> Pair:
    """sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor, Tensor)"""
    return sort(ctx, input, dim, descending)


def _kth(ctx: Context, input: Any, k: Any, dim: int, keepdim: bool) -> Pair:
    """The ``k``-th smallest along ``dim``: the last of the ``k`` smallest."""
    pair = _top(ctx, T.MIN, input, k, dim)
    if not len(input.shape):
        return pair
    last = elementwise(ctx, E.SUB, k, 1, torch.int64) if is_runtime(k) else k - 1
    values, indices = (narrow(ctx, tensor, dim, last, 1) for tensor in pair)
    dims = [] if keepdim else [dim % len(input.shape)]
    return squeeze(ctx, values, dims), squeeze(ctx, indices, dims)


@converter("aten.kthvalue.default", rejects=_topk_too_many)
def kthvalue(ctx: Context, input: Any, k: Any, dim: int = -1, keepdim: bool = False) -> Pair:
    """kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)"""
    return _kth(ctx, input, k, dim, keepdim)


def _median_of_too_many(call: Call, input: Any, dim: int, *_: Any) -> str | None:
    return _too_many(input.shape[dim] // 2 + 1) if input.dim() else None


@converter("aten.median.dim", rejects=_median_of_too_many)
def median(ctx: Context, input: Any, dim: int, keepdim: bool = False) -> Pair:
    """median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"""
    length = size(ctx, input, dim) if len(input.shape) else 1
    if not is_runtime(length):
        return _kth(ctx, input, (length + 1) // 2, dim, keepdim)
    # of an even number of elements the lower one in the middle
    middle = elementwise(ctx, E.FLOOR_DIV, elementwise(ctx, E.SUM, length, 1, torch.int64), 2, torch.int64)
    return _kth(ctx, input, middle, dim, keepdim)


def _median_of_all_too_many(call: Call, input: Any) -> str | None:
    return _too_many(input.numel() // 2 + 1)


@converter("aten.median.default", rejects=_median_of_all_too_many)
def median_all(ctx: Context, input: Any) -> trt.ITensor:
    """median(Tensor self) -> Tensor"""
    return median(ctx, reshape(ctx, input, [-1]), 0)[0]


def _extreme(name: str, op: trt.TopKOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, dim: int, keepdim: bool = False) -> Pair:
        values, indices = _top(ctx, op, input, 1, dim)
        dims = [dim % len(input.shape)] if len(input.shape) and not keepdim else []
        return squeeze(ctx, values, dims), squeeze(ctx, indices, dims)

    return named(name, f"aten.{name}.dim")(convert)


max_, min_ = _extreme("max", T.MAX), _extreme("min", T.MIN)


def _index_of_extreme(name: str, extreme: ConverterFunction) -> ConverterFunction:
    def convert(ctx: Context, input: Any, dim: int | None = None, keepdim: bool = False) -> trt.ITensor:
        if dim is not None or not len(input.shape):
            index: trt.ITensor = extreme(ctx, input, dim or 0, keepdim)[1]
            return index
        index = extreme(ctx, reshape(ctx, input, [-1]), 0)[1]
        return reshape(ctx, index, [1] * len(input.shape)) if keepdim else index

    return named(name, f"aten.{name}.default")(convert)


argmax, argmin = _index_of_extreme("argmax", max_), _index_of_extreme("argmin", min_)
