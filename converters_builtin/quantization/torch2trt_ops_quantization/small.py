"""Constants in the smallest dtype that holds them, which an engine keeps: its dequantize layer gives the numbers."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch2trt import Context, lib, trt

#: the dtypes that TensorRT quantizes to
_SMALL: Final = (torch.int8, torch.float8_e4m3fn)


def small_constant(
    ctx: Context,
    codes: torch.Tensor,
    scale: torch.Tensor | None,
    zero: torch.Tensor | None,
    dtype: torch.dtype,
) -> trt.ITensor | None:
    """``(codes - zero) * scale`` of constants, exactly, by a dequantize layer; None where no small dtype holds them.

    Args:
        ctx: the context of the call.
        codes: what was quantized to, of any dtype.
        scale: broadcasts to the codes; None for 1.
        zero: broadcasts to the codes; None for 0.
        dtype: of the result.
    """
    exact = codes.to(torch.float32)
    if zero is not None:
        exact = exact - zero.to(torch.float32)
    # TensorRT for RTX 1.6.1 does not build a product with float8 zeros alone
    if not exact.dim() or not exact.any():
        return None
    scale = torch.ones(()) if scale is None else scale.to(torch.float32)
    if (small := _in_small(exact)) is not None:
        zero = None
    elif zero is None or (small := _in_small(codes)) is None:
        return None
    scales, axis = laid_out(scale, codes.shape)
    if scales.numel() * 2 > codes.numel() > 1:  # as many scales as numbers make nothing small
        return None
    if zero is None and bool(((scale > 0) & scale.isfinite()).all()):
        return _layer(ctx, small, scales, dtype, axis)
    # what TensorRT's layer does not have: all 256 numbers beside zero points, and scales that are not positive
    numbers = _layer(ctx, small, torch.ones(()), torch.float32)
    if zero is not None:
        numbers = lib.sub(ctx, numbers, _without_repeats(zero), torch.float32)
    return ctx.tensor(lib.mul(ctx, numbers, _without_repeats(scale), torch.float32), dtype)


def _in_small(numbers: torch.Tensor) -> torch.Tensor | None:
    for dtype in _SMALL:
        small = numbers.to(dtype)
        if torch.equal(small.to(torch.float32), numbers.to(torch.float32)):
            return small
    return None


def _layer(
    ctx: Context, codes: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype, axis: int | None = None
) -> trt.ITensor:
    tensor = lib.dequantize(ctx, codes, scales, dtype, axis)
    if codes.dtype is torch.int8 and codes.dim() > 2 and trt.__name__ == "tensorrt_rtx":
        # TensorRT for RTX 1.6.1 takes a quantized input and an int8 kernel for a convolution in int8, and has none
        least = torch.full([1] * codes.dim(), torch.finfo(dtype).min, dtype=dtype)
        tensor = lib.elementwise(ctx, trt.ElementWiseOperation.MAX, tensor, least)
    return tensor


def laid_out(scale: torch.Tensor, shape: torch.Size) -> tuple[torch.Tensor, int | None]:
    """Scales as TensorRT's layers take them: a number, a vector and its axis, or a tensor with one for each block."""
    scale = _without_repeats(scale.reshape([1] * (len(shape) - scale.dim()) + list(scale.shape)))
    along = [dim for dim, size in enumerate(scale.shape) if size > 1]
    if not along:
        return scale.reshape(()), None
    if len(along) == 1:
        return scale.flatten(), along[0]
    blocks = [_block(scale, dim) if dim in along else size for dim, size in enumerate(shape)]
    # TensorRT takes blocks along one dimension
    wide = max(range(len(shape)), key=blocks.__getitem__)
    scale = scale.expand([scale.shape[dim] if dim == wide else size for dim, size in enumerate(shape)])
    return scale[(slice(None),) * wide + (slice(None, None, blocks[wide]),)], None


def _block(values: torch.Tensor, dim: int) -> int:
    """How many numbers along a dimension are the same, in all places."""
    count = values.shape[dim]
    changed = (values.narrow(dim, 1, count - 1) != values.narrow(dim, 0, count - 1)).transpose(0, dim).flatten(1).any(1)
    return math.gcd(count, *(changed.nonzero().flatten() + 1).tolist())


def _without_repeats(values: torch.Tensor) -> torch.Tensor:
    """With a size of 1 along dimensions in which nothing changes."""
    for dim, size in enumerate(values.shape):
        first = values.narrow(dim, 0, min(size, 1))
        if size > 1 and torch.equal(values, first.expand_as(values)):
            values = first
    return values
