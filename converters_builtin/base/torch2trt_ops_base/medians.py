"""Medians, of everything or of all that is not NaN."""

from __future__ import annotations

import operator
from collections.abc import Callable

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

from .ordering import first, too_many
from .sort import Pair, kth, length_of, max_, most_of

#: of a tensor's dimension (with keepdim), whose length is given as it was captured
Median = Callable[[Context, Value, int, bool, "int | torch.SymInt"], Pair]


def _middle(ctx: Context, input: Value, dim: int, keepdim: bool, length: int | torch.SymInt) -> Pair:
    # of an even number of elements the lower one in the middle
    above = lib.size_op(ctx, operator.add, length_of(ctx, input, dim), 1)
    middle = lib.size_op(ctx, operator.floordiv, above, 2)
    values, indices = kth(ctx, input, middle, dim, keepdim, most_of((length + 1) // 2))
    if not lib.dtype_of(input).is_floating_point:
        return values, indices
    largest, index = max_(ctx, input, dim, keepdim)
    undefined = lib.isnan(ctx, largest)
    return lib.where(ctx, undefined, largest, values), lib.where(ctx, undefined, index, indices)


def _middle_of_numbers(ctx: Context, input: Value, dim: int, keepdim: bool, length: int | torch.SymInt) -> Pair:
    tensor, ndim = ctx.tensor(input), lib.ndim_of(input)
    if not lib.dtype_of(tensor).is_floating_point or not ndim:
        return _middle(ctx, tensor, dim, keepdim, length)
    above = lib.size_op(ctx, operator.add, length_of(ctx, tensor, dim), 1)
    half = lib.size_op(ctx, operator.floordiv, above, 2)
    # NaN comes last
    ordered = first(ctx, trt.TopKOperation.MIN, tensor, half, dim, most=most_of((length + 1) // 2))
    numbers = lib.sum(ctx, lib.logical_not(ctx, lib.isnan(ctx, tensor)), dim, keepdim=True, dtype=torch.int64)
    middle = lib.floor_divide(ctx, lib.maximum(ctx, lib.sub(ctx, numbers, 1), 0), 2)
    values, indices = (lib.gather(ctx, each, dim, middle) for each in ordered)
    dims = [] if keepdim else [dim % ndim]
    return lib.squeeze(ctx, values, dims), lib.squeeze(ctx, indices, dims)


def _half_of_dim_too_long(input: torch.Tensor, dim: int) -> str | None:
    return too_many((input.shape[dim] + 1) // 2) if input.dim() else None


def _along(name: str, middle: Median) -> Callable[..., Pair]:
    def convert(ctx: Context, input: Value, dim: int, keepdim: bool = False) -> Pair:
        fake: torch.Tensor = ctx.call.args[0]
        return middle(ctx, input, dim, keepdim, fake.shape[dim] if fake.dim() else 1)

    return converter(f"aten.{name}.dim", name=name, rejects=_half_of_dim_too_long)(convert)


def _half_of_all_too_many(input: torch.Tensor) -> str | None:
    return too_many((input.numel() + 1) // 2)


def _of_all(name: str, middle: Median) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value) -> trt.ITensor:
        elements = lib.reshape(ctx, input, [-1])
        if elements.shape[0] == -1:
            # of no elements, what PyTorch gives
            instead = torch.median(torch.empty(0, dtype=lib.dtype_of(input)))[None]
            missing = lib.size_op(ctx, operator.sub, 1, lib.size_op(ctx, min, lib.size(ctx, elements, 0), 1))
            elements = lib.cat(ctx, [elements, lib.narrow(ctx, instead, 0, 0, missing)], 0)
        return middle(ctx, elements, 0, False, ctx.call.args[0].numel())[0]

    return converter(f"aten.{name}.default", name=f"{name}_all", rejects=_half_of_all_too_many)(convert)


median, nanmedian = _along("median", _middle), _along("nanmedian", _middle_of_numbers)
median_all, nanmedian_all = _of_all("median", _middle), _of_all("nanmedian", _middle_of_numbers)
