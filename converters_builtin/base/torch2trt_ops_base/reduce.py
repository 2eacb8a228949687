"""Sums, means, products, extremes and any; the extremes pass over NaN, which PyTorch returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import ConverterFunction, cast, named, reduce

R = trt.ReduceOperation
Dims = Sequence[int] | None


def _over_dims(name: str, op: trt.ReduceOperation, target: str) -> ConverterFunction:
    """Computed in the dtype of the result."""

    def convert(ctx: Context, input: Any, dim: Any, keepdim: bool = False, dtype: Any = None) -> trt.ITensor:
        return reduce(ctx, op, input, dim, keepdim, ctx.call.result.dtype)

    return named(name, target)(convert)


sum_, mean = _over_dims("sum", R.SUM, "aten.sum.dim_IntList"), _over_dims("mean", R.AVG, "aten.mean.dim")
prod = _over_dims("prod", R.PROD, "aten.prod.dim_int")


def _over_all(name: str, op: trt.ReduceOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, dtype: Any = None) -> trt.ITensor:
        return reduce(ctx, op, input, None, False, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


mean_all, prod_all = _over_all("mean", R.AVG), _over_all("prod", R.PROD)
max_all, min_all = _over_all("max", R.MAX), _over_all("min", R.MIN)


def _extreme(name: str, op: trt.ReduceOperation) -> ConverterFunction:
    def convert(ctx: Context, input: Any, dim: Sequence[int] = (), keepdim: bool = False) -> trt.ITensor:
        return reduce(ctx, op, input, dim, keepdim)

    return named(name, f"aten.{name}.default")(convert)


amax, amin = _extreme("amax", R.MAX), _extreme("amin", R.MIN)


@converter("aten.any.default", "aten.any.dim", "aten.any.dims")
def any_(ctx: Context, input: Any, dim: int | Dims = None, keepdim: bool = False) -> trt.ITensor:
    """any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor"""
    truth = cast(ctx, input, torch.bool)
    # PyTorch leaves every element by itself where no dimension is given
    found = truth if dim == [] else reduce(ctx, R.MAX, truth, dim, keepdim)
    return cast(ctx, found, ctx.call.result.dtype)
