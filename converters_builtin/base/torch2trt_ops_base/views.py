"""Views: other shapes and orders of the same elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import (
    Size,
    broadcast,
    permute,
    reshape,
    size,
    size_math,
    squeeze,
    strided_slice,
    unsqueeze,
)

PROD = trt.ElementWiseOperation.PROD


@converter("aten.view.default", "aten.view_copy.default")
def view(ctx: Context, input: trt.ITensor, size: Sequence[Size]) -> trt.ITensor:
    """view(Tensor(a) self, SymInt[] size) -> Tensor(a)"""
    # a size that PyTorch knows is static, however it was computed
    known = [want if isinstance(want, int) else given for given, want in zip(size, ctx.call.result.shape, strict=True)]
    return reshape(ctx, input, known)


def _other_bits(call: Call, input: torch.Tensor, dtype: torch.dtype) -> str | None:
    return None if input.dtype is dtype else f"TensorRT cannot read {input.dtype} as the bits of {dtype}"


@converter("aten.view.dtype", rejects=_other_bits)
def view_dtype(ctx: Context, input: trt.ITensor, dtype: torch.dtype) -> trt.ITensor:
    """view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)"""
    return input


@converter("aten.permute.default", "aten.permute_copy.default")
def permute_(ctx: Context, input: trt.ITensor, dims: Sequence[int]) -> trt.ITensor:
    """permute(Tensor(a) self, int[] dims) -> Tensor(a)"""
    return permute(ctx, input, dims)


@converter("aten.unsqueeze.default")
def unsqueeze_(ctx: Context, input: trt.ITensor, dim: int) -> trt.ITensor:
    """unsqueeze(Tensor(a) self, int dim) -> Tensor(a)"""
    return unsqueeze(ctx, input, [dim % ctx.call.result.dim()])


@converter("aten.squeeze.dims")
def squeeze_(ctx: Context, input: trt.ITensor, dim: Sequence[int]) -> trt.ITensor:
    """squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)"""
    shape = ctx.call.args[0].shape
    # PyTorch keeps a dimension whose size is not 1, and a dynamic size is never taken for 1
    single = {d % len(shape) for d in dim if len(shape) and isinstance(shape[d], int) and shape[d] == 1}
    return squeeze(ctx, input, sorted(single))


@converter("aten.expand.default")
def expand(ctx: Context, input: trt.ITensor, size: Sequence[Size], implicit: bool = False) -> trt.ITensor:
    """expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)"""
    have, result = ctx.call.args[0].shape, ctx.call.result.shape
    added = len(result) - len(have)
    dims: list[Size] = []
    for index, (given, want) in enumerate(zip(size, result, strict=True)):
        kept = index >= added and _same(have[index - added], want)
        dims.append(-1 if kept else want if isinstance(want, int) else given)
    return broadcast(ctx, input, dims)


def _same(first: Any, second: Any) -> bool:
    """Whether two sizes are equal for certain."""
    if isinstance(first, int) or isinstance(second, int):
        return isinstance(first, int) and isinstance(second, int) and first == second
    return bool(first.node.expr == second.node.expr)


@converter("aten.repeat.default")
def repeat(ctx: Context, input: trt.ITensor, repeats: Sequence[Size]) -> trt.ITensor:
    """repeat(Tensor self, SymInt[] repeats) -> Tensor"""
    tensor = ctx.tensor(input, ndim=len(repeats))
    result = ctx.call.result.shape
    ranges = {}
    for dim, times in enumerate(repeats):
        if times != 1:
            known = result[dim] if isinstance(result[dim], int) else None
            length = size_math(ctx, PROD, size(ctx, tensor, dim), times) if known is None else known
            ranges[dim] = (0, length, 1)
    return strided_slice(ctx, tensor, ranges, trt.SampleMode.WRAP) if ranges else tensor
