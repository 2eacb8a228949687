"""What TensorRT's top-k gives: sorting, the k-th value, extremes with their indices."""

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
    return first(ctx, T.MAX if largest else T.MIN, input, k, dim, most=most_of(ctx.call.args[1]))


def most_of(count: int | torch.SymInt) -> int:
    """What a captured size is at most."""
    bound = lib.upper_bound(count)
    assert bound is not None  # converters that ask this decline otherwise
    return bound


def _dim_too_long(input: torch.Tensor, dim: int) -> str | None:
    return too_many(input.shape[dim]) if input.dim() else None


@converter("aten.sort.default", rejects=_dim_too_long)
def sort(ctx: Context, input: Value, dim: int = -1, descending: bool = False) -> Pair:
    """sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)"""
    op = T.MAX if descending else T.MIN
    return first(ctx, op, input, length_of(ctx, input, dim), dim, most=most_of(_captured_length(ctx, dim)))


def _captured_length(ctx: Context, dim: int) -> int | torch.SymInt:
    input: torch.Tensor = ctx.call.args[0]
    return input.shape[dim] if input.dim() else 1


def length_of(ctx: Context, input: Value, dim: int) -> Size:
    """How long a dimension is; 1 of a scalar."""
    tensor = ctx.tensor(input)
    return lib.size(ctx, tensor, dim) if len(tensor.shape) else 1


@converter("aten.sort.stable", rejects=_dim_too_long)
def sort_stable(ctx: Context, input: Value, *, stable: bool | None, dim: int = -1, descending: bool = False) -> Pair:
    """sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor, Tensor)"""
    return sort(ctx, input, dim, descending)


@converter("aten.kthvalue.default", rejects=_k_too_large)
def kthvalue(ctx: Context, input: Value, k: Size, dim: int = -1, keepdim: bool = False) -> Pair:
    """kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)"""
    return kth(ctx, input, k, dim, keepdim, most_of(ctx.call.args[1]))


def kth(ctx: Context, input: Value, k: Size, dim: int, keepdim: bool, most: int) -> Pair:
    """The ``k``-th smallest along ``dim`` and its index, of which ``most`` is the largest that ``k`` may be."""
    values, indices = first(ctx, T.MIN, input, k, dim, most=most)
    ndim = len(values.shape)
    if not ndim:
        return values, indices
    # the k-th smallest is the last of the k smallest
    last = lib.size_op(ctx, operator.sub, k, 1)
    dims = [] if keepdim else [dim % ndim]
    values, indices = (lib.narrow(ctx, tensor, dim, last, 1) for tensor in (values, indices))
    return lib.squeeze(ctx, values, dims), lib.squeeze(ctx, indices, dims)


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
