"""Products of int8 matrices, in int8 and exactly."""

from __future__ import annotations

import functools
from typing import Any, Final

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Value

#: of so many products of int8 numbers, float32 has every sum: it is no more than 2**24
_EXACT: Final = 1024


def _why_no_parts(input: torch.Tensor) -> str | None:
    length: Any = input.shape[1]
    if not isinstance(length, int):
        return "the number of products that are added is dynamic"
    return None if length else "nothing is added"


@converter("aten._int_mm.default", rejects=_why_no_parts)
def int_mm(ctx: Context, input: Value, mat2: Value) -> trt.ITensor:
    """_int_mm(Tensor self, Tensor mat2) -> Tensor"""
    length = ctx.call.args[0].shape[1]
    parts = [
        _exact_product(ctx, *(_part(ctx, one, dim, start, length) for dim, one in ((1, input), (0, mat2))))
        for start in range(0, length, _EXACT)
    ]
    return functools.reduce(lambda total, part: lib.add(ctx, total, part), parts)


def _part(ctx: Context, matrix: Value, dim: int, start: int, length: int) -> trt.ITensor:
    """Some of the numbers, as TensorRT multiplies in int8: quantized, and back, by a scale of 1."""
    count = min(_EXACT, length - start)
    if isinstance(matrix, torch.Tensor):
        return lib.dequantize(ctx, matrix.narrow(dim, start, count).to(torch.int8), 1.0)
    numbers = ctx.tensor(lib.narrow(ctx, matrix, dim, start, count), torch.float32)
    return lib.dequantize(ctx, lib.quantize(ctx, numbers, 1.0), 1.0)


def _exact_product(ctx: Context, rows: trt.ITensor, columns: trt.ITensor) -> trt.ITensor:
    return ctx.tensor(lib.matmul(ctx, rows, columns), torch.int32)
