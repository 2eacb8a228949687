"""Views: other shapes and orders of the same elements."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .sizes import same_size


@converter("aten.view.default", "aten.view_copy.default")
def view(ctx: Context, input: Value, size: Sequence[Size]) -> trt.ITensor:
    """view(Tensor(a) self, SymInt[] size) -> Tensor(a)"""
    # a size that PyTorch knows is static, however it was computed
    dims = [known if isinstance(known, int) else dim for dim, known in zip(size, ctx.call.result.shape, strict=True)]
    return lib.reshape(ctx, input, dims)


def _other_bits(input: torch.Tensor, dtype: torch.dtype) -> str | None:
    return None if input.dtype is dtype else f"TensorRT cannot read {input.dtype} as the bits of {dtype}"


@converter("aten.view.dtype", rejects=_other_bits)
def view_dtype(ctx: Context, input: trt.ITensor, dtype: torch.dtype) -> trt.ITensor:
    """view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)"""
    return input


@converter("aten.permute.default", "aten.permute_copy.default")
def permute(ctx: Context, input: trt.ITensor, dims: Sequence[int]) -> trt.ITensor:
    """permute(Tensor(a) self, int[] dims) -> Tensor(a)"""
    return lib.permute(ctx, input, dims)


@converter("aten.unsqueeze.default")
def unsqueeze(ctx: Context, input: trt.ITensor, dim: int) -> trt.ITensor:
    """unsqueeze(Tensor(a) self, int dim) -> Tensor(a)"""
    return lib.unsqueeze(ctx, input, [dim % ctx.call.result.dim()])


@converter("aten.squeeze.dims")
def squeeze(ctx: Context, input: trt.ITensor, dim: Sequence[int]) -> trt.ITensor:
    """squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)"""
    shape = ctx.call.args[0].shape
    # PyTorch keeps a dimension whose size is not 1, and a dynamic size is never taken for 1
    single = {d % len(shape) for d in dim if len(shape) and isinstance(shape[d], int) and shape[d] == 1}
    return lib.squeeze(ctx, input, sorted(single))


@converter("aten.expand.default")
def expand(ctx: Context, input: Value, size: Sequence[Size], implicit: bool = False) -> trt.ITensor:
    """expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)"""
    shape, result = ctx.call.args[0].shape, ctx.call.result.shape
    added = len(result) - len(shape)
    dims: list[Size] = []
    for index, (dim, known) in enumerate(zip(size, result, strict=True)):
        kept = index >= added and same_size(shape[index - added], known)
        dims.append(-1 if kept else known if isinstance(known, int) else dim)
    return lib.expand(ctx, input, dims)


@converter("aten.repeat.default")
def repeat(ctx: Context, input: Value, repeats: Sequence[Size]) -> trt.ITensor:
    """repeat(Tensor self, SymInt[] repeats) -> Tensor"""
    tensor = ctx.tensor(input, ndim=len(repeats))
    ranges: dict[int, tuple[Size, Size, Size]] = {}
    for dim, (times, known) in enumerate(zip(repeats, ctx.call.result.shape, strict=True)):
        if lib.is_runtime(times) or times != 1:
            if isinstance(known, int):
                length: Size = known
            else:
                length = lib.size_op(ctx, operator.mul, lib.size(ctx, tensor, dim), times)
            ranges[dim] = (0, length, 1)
    return lib.strided_slice(ctx, tensor, ranges, trt.SampleMode.WRAP) if ranges else tensor
