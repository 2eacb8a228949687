"""Sums, means, products, extremes and any."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

Dims = int | Sequence[int] | None


def _over_dims(name: str, overload: str, verb: Callable[..., trt.ITensor]) -> Callable[..., trt.ITensor]:
    """Computed in the dtype of the result."""

    def convert(
        ctx: Context, input: Value, dim: Dims, keepdim: bool = False, dtype: torch.dtype | None = None
    ) -> trt.ITensor:
        return verb(ctx, input, dim, keepdim, ctx.call.result.dtype)

    return converter(f"aten.{name}.{overload}", name=name)(convert)


sum_, mean = _over_dims("sum", "dim_IntList", lib.sum), _over_dims("mean", "dim", lib.mean)
prod = _over_dims("prod", "dim_int", lib.prod)


def _over_all(name: str, verb: Callable[..., trt.ITensor]) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
        return verb(ctx, input, dtype=ctx.call.result.dtype)

    return converter(f"aten.{name}.default", name=name)(convert)


mean_all, prod_all = _over_all("mean", lib.mean), _over_all("prod", lib.prod)
max_all, min_all = _over_all("max", lib.amax), _over_all("min", lib.amin)


@converter("aten.amax.default")
def amax(ctx: Context, input: Value, dim: Sequence[int] = (), keepdim: bool = False) -> trt.ITensor:
    """amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor"""
    return lib.amax(ctx, input, dim, keepdim)


@converter("aten.amin.default")
def amin(ctx: Context, input: Value, dim: Sequence[int] = (), keepdim: bool = False) -> trt.ITensor:
    """amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor"""
    return lib.amin(ctx, input, dim, keepdim)


@converter("aten.any.default", "aten.any.dim", "aten.any.dims")
def any_(ctx: Context, input: Value, dim: Dims = None, keepdim: bool = False) -> trt.ITensor:
    """any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor"""
    truth = ctx.tensor(input, torch.bool)
    if dim == []:  # PyTorch leaves every element by itself where no dimension is given
        return ctx.tensor(truth, ctx.call.result.dtype)
    # the largest of no elements is the least number, which is no more true than 0
    largest = lib.amax(ctx, ctx.tensor(truth, torch.int32), dim, keepdim)
    return ctx.tensor(lib.gt(ctx, largest, 0), ctx.call.result.dtype)
