"""Quantiles, with every interpolation, of everything or of all that is not NaN."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import Value

from .ordering import first, too_many
from .sort import length_of, most_of

_ROUNDED = {"lower": torch.floor, "higher": torch.ceil, "nearest": torch.round}


def _refusal(call: Call, input: torch.Tensor, dim: int | None = None) -> str | None:
    if getattr(call.operands[0][1], "kind", None) == "input":
        return "which quantiles to take must be constant"
    return too_many(_length(input, dim))


def _length(input: torch.Tensor, dim: int | None) -> int | torch.SymInt:
    return input.numel() if dim is None or not input.dim() else input.shape[dim]


def _quantile(name: str, passes_over_nan: bool) -> Callable[..., trt.ITensor]:
    def convert(
        ctx: Context,
        input: Value,
        q: Value,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
    ) -> trt.ITensor:
        wanted = ctx.const(q)
        rows = _rows(ctx, input, dim)
        most = most_of(_length(ctx.call.args[0], dim))
        length = length_of(ctx, rows, -1)
        # NaN comes last
        ordered, _ = first(ctx, trt.TopKOperation.MIN, rows, length, -1, most=most)
        numbers = _numbers(ctx, rows) if passes_over_nan else length
        result = _interpolated(ctx, ordered, numbers, most, wanted.float(), interpolation)
        if not passes_over_nan:
            last = lib.narrow(ctx, ordered, -1, lib.size_op(ctx, operator.sub, length, 1), 1)
            result = lib.where(ctx, lib.isnan(ctx, last), last, result)
        return _arranged(ctx, result, lib.ndim_of(input), dim, keepdim, wanted.dim())

    return converter(f"aten.{name}.default", f"aten.{name}.scalar", name=name, rejects=_refusal)(convert)


def _rows(ctx: Context, input: Value, dim: int | None) -> trt.ITensor:
    """The numbers of each quantile in the last dimension."""
    ndim = lib.ndim_of(input)
    if dim is None or not ndim:
        return lib.reshape(ctx, input, [-1])
    others = [index for index in range(ndim) if index != dim % ndim]
    return lib.permute(ctx, input, [*others, dim % ndim])


def _numbers(ctx: Context, rows: trt.ITensor) -> trt.ITensor:
    """How many of each row are not NaN."""
    return lib.sum(ctx, lib.logical_not(ctx, lib.isnan(ctx, rows)), -1, dtype=torch.int64)


def _interpolated(
    ctx: Context, ordered: trt.ITensor, count: lib.Size, most: int, q: torch.Tensor, interpolation: str
) -> trt.ITensor:
    """The quantiles (…, len(q)) of as many numbers, in order, as ``count`` says for all rows or for each."""
    # places are in a dtype that TensorRT may not have: a row for each count there may be
    counts = torch.arange(most + 1) if lib.is_runtime(count) else torch.tensor([count])
    place = q.to(_dtype_of_places()).reshape(-1) * (counts[:, None] - 1).clamp(min=0)
    place = _ROUNDED[interpolation](place) if interpolation in _ROUNDED else place
    below, above = (
        _at(ctx, ordered, lib.index_select(ctx, index.long(), 0, count) if lib.is_runtime(count) else index[0].long())
        for index in (place.floor(), place.ceil())
    )
    if interpolation in _ROUNDED:
        return below
    weight = torch.full_like(place, 0.5) if interpolation == "midpoint" else place - place.floor()
    weight = weight.float()
    weights = lib.index_select(ctx, weight, 0, count) if lib.is_runtime(count) else weight[0]
    difference = lib.sub(ctx, above, below)
    from_below = lib.add(ctx, below, lib.mul(ctx, weights, difference))
    from_above = lib.add(ctx, above, lib.mul(ctx, lib.sub(ctx, weights, 1.0), difference))
    # from the nearer one, as PyTorch does
    return lib.where(ctx, lib.ge(ctx, weights, 0.5), from_above, from_below)


@functools.cache
def _dtype_of_places() -> torch.dtype:
    """What PyTorch computes the places of quantiles in: float64, and 2.11 in float32, where a rounded place differs."""
    place = torch.quantile(torch.arange(11.0), torch.tensor(0.3), interpolation="higher")
    return torch.float64 if place == 4 else torch.float32


def _at(ctx: Context, ordered: trt.ITensor, index: Value) -> trt.ITensor:
    """The elements at places that are the same for all rows, or (…, len(q)) for each."""
    if lib.ndim_of(index) == 1:
        return lib.index_select(ctx, ordered, -1, index)
    return lib.gather(ctx, ordered, -1, index)


def _arranged(
    ctx: Context, result: trt.ITensor, ndim: int, dim: int | None, keepdim: bool, several: int
) -> trt.ITensor:
    """From (…, len(q)) to PyTorch's order: the quantiles first, if there are several, and kept dimensions."""
    last = len(result.shape) - 1
    result = lib.permute(ctx, result, [last, *range(last)]) if several else lib.squeeze(ctx, result, [last])
    if not keepdim:
        return result
    dims = range(ndim) if dim is None else [dim % ndim] if ndim else []
    return lib.unsqueeze(ctx, result, [several + index for index in dims])


quantile, nanquantile = _quantile("quantile", False), _quantile("nanquantile", True)
