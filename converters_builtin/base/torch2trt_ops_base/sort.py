"""What TensorRT's top-k gives: sorting, the k-th value, extremes with their indices, medians.

PyTorch takes NaN for the largest; TensorRT does not say where it stands, so it gets numbers in its place.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

T = trt.TopKOperation
Pair = tuple[trt.ITensor, trt.ITensor]
_MOST = 3840  #: elements that TensorRT's layer gives


def _top(
    ctx: Context, op: trt.TopKOperation, input: Value, k: Size, dim: int, nan_stands_for: float = math.inf
) -> Pair:
    """The first ``k`` of ``input`` along ``dim``, in order, and their indices."""
    dtype, ndim = lib.dtype_of(input), max(lib.ndim_of(input), 1)
    tensor, added = lib.at_least_2d(ctx, ctx.tensor(input, lib.compute_dtype(dtype)))
    # counted from the end, a dimension keeps its number
    dim = dim % ndim - ndim
    keys = _without_nan(ctx, tensor, nan_stands_for) if dtype.is_floating_point else tensor
    layer = ctx.network.add_topk(keys, op, 1 if lib.is_runtime(k) else k, lib.axes_mask(dim, len(tensor.shape)))
    if lib.is_runtime(k):
        layer.set_input(1, k)
    values, indices = layer.get_output(0), layer.get_output(1)
    if dtype.is_floating_point:
        values = lib.gather(ctx, tensor, dim, indices)
    indices = ctx.tensor(indices, torch.int64)
    return ctx.tensor(lib.squeeze(ctx, values, added), dtype), lib.squeeze(ctx, indices, added)


def _without_nan(ctx: Context, input: trt.ITensor, nan_stands_for: float) -> trt.ITensor:
    """Numbers in the order of ``input``: this infinity for NaN, and something below it for that infinity."""
    outermost = math.copysign(torch.finfo(torch.float32).max, nan_stands_for)
    halves = lib.mul(ctx, input, 0.5, torch.float32)
    keys = (lib.minimum if outermost > 0 else lib.maximum)(ctx, halves, outermost)
    return lib.where(ctx, lib.isnan(ctx, input), nan_stands_for, keys, torch.float32)


def too_many(count: int | torch.SymInt) -> str | None:
    """Why top-k cannot give so many elements."""
    bound = lib.upper_bound(count)
    if bound is not None and bound <= _MOST:
        return None
    asked = "an unknown number of" if bound is None else f"up to {bound}"
    return f"TensorRT's top-k gives at most {_MOST} elements, this asks for {asked}"


def _k_too_large(k: int | torch.SymInt) -> str | None:
    return too_many(k)


@converter("aten.topk.default", rejects=_k_too_large)
def topk(ctx: Context, input: Value, k: Size, dim: int = -1, largest: bool = True, sorted: bool = True) -> Pair:
    """topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor, Tensor)"""
    return _top(ctx, T.MAX if largest else T.MIN, input, k, dim)


def _dim_too_long(input: torch.Tensor, dim: int) -> str | None:
    return too_many(input.shape[dim]) if input.dim() else None


@converter("aten.sort.default", rejects=_dim_too_long)
def sort(ctx: Context, input: Value, dim: int = -1, descending: bool = False) -> Pair:
    """sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)"""
    return _top(ctx, T.MAX if descending else T.MIN, input, _length(ctx, input, dim), dim)


def _length(ctx: Context, input: Value, dim: int) -> Size:
    tensor = ctx.tensor(input)
    return lib.size(ctx, tensor, dim) if len(tensor.shape) else 1


@converter("aten.sort.stable", rejects=_dim_too_long)
def sort_stable(ctx: Context, input: Value, *, stable: bool | None, dim: int = -1, descending: bool = False) -> Pair:
    """sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor, Tensor)"""
    return sort(ctx, input, dim, descending)


@converter("aten.kthvalue.default", rejects=_k_too_large)
def kthvalue(ctx: Context, input: Value, k: Size, dim: int = -1, keepdim: bool = False) -> Pair:
    """kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)"""
    values, indices = _top(ctx, T.MIN, input, k, dim)
    ndim = len(values.shape)
    if not ndim:
        return values, indices
    # the k-th smallest is the last of the k smallest
    last = lib.size_op(ctx, operator.sub, k, 1)
    dims = [] if keepdim else [dim % ndim]
    values, indices = (lib.narrow(ctx, tensor, dim, last, 1) for tensor in (values, indices))
    return lib.squeeze(ctx, values, dims), lib.squeeze(ctx, indices, dims)


def _half_of_dim_too_long(input: torch.Tensor, dim: int) -> str | None:
    return too_many(input.shape[dim] // 2 + 1) if input.dim() else None


@converter("aten.median.dim", rejects=_half_of_dim_too_long)
def median(ctx: Context, input: Value, dim: int, keepdim: bool = False) -> Pair:
    """median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"""
    # of an even number of elements the lower one in the middle
    above = lib.size_op(ctx, operator.add, _length(ctx, input, dim), 1)
    values, indices = kthvalue(ctx, input, lib.size_op(ctx, operator.floordiv, above, 2), dim, keepdim)
    if not lib.dtype_of(input).is_floating_point:
        return values, indices
    largest, index = max_(ctx, input, dim, keepdim)
    undefined = lib.isnan(ctx, largest)
    return lib.where(ctx, undefined, largest, values), lib.where(ctx, undefined, index, indices)


def _half_of_all_too_many(input: torch.Tensor) -> str | None:
    return too_many(input.numel() // 2 + 1)


@converter("aten.median.default", rejects=_half_of_all_too_many)
def median_all(ctx: Context, input: Value) -> trt.ITensor:
    """median(Tensor self) -> Tensor"""
    elements = lib.reshape(ctx, input, [-1])
    if elements.shape[0] == -1:
        # of no elements, what PyTorch gives
        instead = torch.median(torch.empty(0, dtype=lib.dtype_of(input)))[None]
        missing = lib.size_op(ctx, operator.sub, 1, lib.size_op(ctx, min, lib.size(ctx, elements, 0), 1))
        elements = lib.cat(ctx, [elements, lib.narrow(ctx, instead, 0, 0, missing)], 0)
    return median(ctx, elements, 0)[0]


def _extreme(name: str, op: trt.TopKOperation) -> Callable[..., Pair]:
    def convert(ctx: Context, input: Value, dim: int, keepdim: bool = False) -> Pair:
        values, indices = _top(ctx, op, input, 1, dim, math.inf if op == T.MAX else -math.inf)
        ndim = len(values.shape)
        dims = [dim % ndim] if ndim and not keepdim else []
        return lib.squeeze(ctx, values, dims), lib.squeeze(ctx, indices, dims)

    return converter(f"aten.{name}.dim", name=name)(convert)


max_, min_ = _extreme("max", T.MAX), _extreme("min", T.MIN)


def _index_of_extreme(name: str, extreme: Callable[..., Pair]) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value, dim: int | None = None, keepdim: bool = False) -> trt.ITensor:
        ndim = lib.ndim_of(input)
        if dim is not None or not ndim:
            return extreme(ctx, input, dim or 0, keepdim)[1]
        _, index = extreme(ctx, lib.reshape(ctx, input, [-1]), 0)
        return lib.reshape(ctx, index, [1] * ndim) if keepdim else index

    return converter(f"aten.{name}.default", name=name)(convert)


argmax, argmin = _index_of_extreme("argmax", max_), _index_of_extreme("argmin", min_)
