"""What TensorRT's top-k gives: sorting, the k-th value, extremes with their indices, medians."""

from __future__ import annotations

import operator
from collections.abc import Callable

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .ordering import first, too_many

T = trt.TopKOperation
Pair = tuple[trt.ITensor, trt.ITensor]


def _k_too_large(k: int | torch.SymInt) -> str | None:
    return too_many(k)


@converter("aten.topk.default", rejects=_k_too_large)
def topk(ctx: Context, input: Value, k: Size, dim: int = -1, largest: bool = True, sorted: bool = True) -> Pair:
    """topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor, Tensor)"""
    return first(ctx, T.MAX if largest else T.MIN, input, k, dim, most=_most(ctx.call.args[1]))


def _most(count: int | torch.SymInt) -> int:
    bound = lib.upper_bound(count)
    assert bound is not None  # the converters of this file decline otherwise
    return bound


def _dim_too_long(input: torch.Tensor, dim: int) -> str | None:
    return too_many(input.shape[dim]) if input.dim() else None


@converter("aten.sort.default", rejects=_dim_too_long)
def sort(ctx: Context, input: Value, dim: int = -1, descending: bool = False) -> Pair:
    """sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)"""
    op = T.MAX if descending else T.MIN
    return first(ctx, op, input, _length(ctx, input, dim), dim, most=_most(_length_in(ctx, dim)))


def _length_in(ctx: Context, dim: int) -> int | torch.SymInt:
    input: torch.Tensor = ctx.call.args[0]
    return input.shape[dim] if input.dim() else 1


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
    return _kth(ctx, input, k, dim, keepdim, _most(ctx.call.args[1]))


def _kth(ctx: Context, input: Value, k: Size, dim: int, keepdim: bool, most: int) -> Pair:
    values, indices = first(ctx, T.MIN, input, k, dim, most=most)
    ndim = len(values.shape)
    if not ndim:
        return values, indices
    # the k-th smallest is the last of the k smallest
    last = lib.size_op(ctx, operator.sub, k, 1)
    dims = [] if keepdim else [dim % ndim]
    values, indices = (lib.narrow(ctx, tensor, dim, last, 1) for tensor in (values, indices))
    return lib.squeeze(ctx, values, dims), lib.squeeze(ctx, indices, dims)


def _half_of_dim_too_long(input: torch.Tensor, dim: int) -> str | None:
    return too_many((input.shape[dim] + 1) // 2) if input.dim() else None


@converter("aten.median.dim", rejects=_half_of_dim_too_long)
def median(ctx: Context, input: Value, dim: int, keepdim: bool = False) -> Pair:
    """median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)"""
    return _middle(ctx, input, dim, keepdim, _length_in(ctx, dim))


def _middle(ctx: Context, input: Value, dim: int, keepdim: bool, length: int | torch.SymInt) -> Pair:
    # of an even number of elements the lower one in the middle
    above = lib.size_op(ctx, operator.add, _length(ctx, input, dim), 1)
    middle = lib.size_op(ctx, operator.floordiv, above, 2)
    values, indices = _kth(ctx, input, middle, dim, keepdim, _most((length + 1) // 2))
    if not lib.dtype_of(input).is_floating_point:
        return values, indices
    largest, index = max_(ctx, input, dim, keepdim)
    undefined = lib.isnan(ctx, largest)
    return lib.where(ctx, undefined, largest, values), lib.where(ctx, undefined, index, indices)


def _half_of_all_too_many(input: torch.Tensor) -> str | None:
    return too_many((input.numel() + 1) // 2)


@converter("aten.median.default", rejects=_half_of_all_too_many)
def median_all(ctx: Context, input: Value) -> trt.ITensor:
    """median(Tensor self) -> Tensor"""
    elements = lib.reshape(ctx, input, [-1])
    if elements.shape[0] == -1:
        # of no elements, what PyTorch gives
        instead = torch.median(torch.empty(0, dtype=lib.dtype_of(input)))[None]
        missing = lib.size_op(ctx, operator.sub, 1, lib.size_op(ctx, min, lib.size(ctx, elements, 0), 1))
        elements = lib.cat(ctx, [elements, lib.narrow(ctx, instead, 0, 0, missing)], 0)
    return _middle(ctx, elements, 0, False, ctx.call.args[0].numel())[0]


def _extreme(name: str, op: trt.TopKOperation) -> Callable[..., Pair]:
    def convert(ctx: Context, input: Value, dim: int, keepdim: bool = False) -> Pair:
        values, indices = first(ctx, op, input, 1, dim, most=1, nan_is_first=True)
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
