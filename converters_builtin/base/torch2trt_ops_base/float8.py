"""Casts to float8_e4m3fn and back, which TensorRT quantizes to: its cast layer gives none."""

from __future__ import annotations

from typing import Final

import torch
from torch2trt import Context, lib, trt

_FLOAT8: Final = torch.float8_e4m3fn
#: the largest number that is rounded to one of float8, 448
_LAST: Final = 464.0


def cast(ctx: Context, input: trt.ITensor, dtype: torch.dtype) -> trt.ITensor:
    """``input.to(dtype)``."""
    source = lib.dtype_of(input)
    if source is dtype or _FLOAT8 not in (source, dtype):
        return ctx.tensor(input, dtype)
    ndim, one = len(input.shape), ctx.tensor(torch.ones(()))
    # neither layer takes a scalar
    input = input if ndim else lib.reshape(ctx, input, [1])
    if source is _FLOAT8:
        result = ctx.tensor(lib.dequantize(ctx, input, one), dtype)
    else:
        numbers = ctx.tensor(input, torch.float32)
        if not pytorch_saturates():
            numbers = lib.where(ctx, lib.gt(ctx, lib.abs(ctx, numbers), _LAST), torch.nan, numbers)
        result = lib.quantize(ctx, numbers, one, _FLOAT8)
    return result if ndim else lib.reshape(ctx, result, [])


def pytorch_saturates() -> bool:
    """Whether what is too large becomes the largest number, as in TensorRT; older versions of PyTorch make it NaN."""
    return not torch.tensor(torch.inf).to(_FLOAT8).isnan()
