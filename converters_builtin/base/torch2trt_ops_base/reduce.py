"""Reductions and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import reduce, softmax, unary

from ._family import Converter, named

R = trt.ReduceOperation
Dims = Sequence[int] | None


def _over_dims(name: str, op: trt.ReduceOperation, target: str) -> Converter:
    def convert(ctx: Context, input: Any, dim: Dims, keepdim: bool = False, dtype: Any = None) -> trt.ITensor:
        return reduce(ctx, op, input, dim, keepdim, ctx.call.result.dtype)

    return named(name, target)(convert)


sum_, mean = _over_dims("sum", R.SUM, "aten.sum.dim_IntList"), _over_dims("mean", R.AVG, "aten.mean.dim")


def _over_all(name: str, op: trt.ReduceOperation) -> Converter:
    def convert(ctx: Context, input: Any, dtype: Any = None) -> trt.ITensor:
        return reduce(ctx, op, input, None, False, ctx.call.result.dtype)

    return named(name, f"aten.{name}.default")(convert)


sum_all, mean_all, prod_all = _over_all("sum", R.SUM), _over_all("mean", R.AVG), _over_all("prod", R.PROD)


def _extreme(name: str, op: trt.ReduceOperation) -> Converter:
    def convert(ctx: Context, input: Any, dim: Sequence[int] = (), keepdim: bool = False) -> trt.ITensor:
        return reduce(ctx, op, input, dim, keepdim)

    return named(name, f"aten.{name}.default")(convert)


amax, amin = _extreme("amax", R.MAX), _extreme("amin", R.MIN)


@converter("aten._softmax.default", "aten.softmax.int")
def softmax_(ctx: Context, input: Any, dim: int, half_to_float: Any = None) -> trt.ITensor:
    """_softmax(Tensor self, int dim, bool half_to_float) -> Tensor"""
    return softmax(ctx, input, dim, ctx.call.result.dtype)


@converter("aten._log_softmax.default", "aten.log_softmax.int")
def log_softmax(ctx: Context, input: Any, dim: int, half_to_float: Any = None) -> trt.ITensor:
    """_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor"""
    return unary(ctx, trt.UnaryOperation.LOG, softmax_(ctx, input, dim))
