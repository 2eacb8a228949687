"""Pooling with windows of one size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch2trt import Call, Context, converter, trt
from torch2trt.lib import dtype_of, elementwise, ints, pad, squeeze, unsqueeze

from .windows import Window, maximum, maximum_with_indices

Ints = int | Sequence[int]
E = trt.ElementWiseOperation


def _count(call: Call) -> int:
    """How many dimensions are pooled: 2 of ``aten.max_pool2d_with_indices``."""
    return int(call.target.name.partition("pool")[2][0])


def _ceil_rejects(call: Call, kernel_size: Ints, stride: Ints, padding: Ints) -> str | None:
    """PyTorch drops a last window that begins in the padding; where the size is dynamic TensorRT cannot follow it."""
    count = _count(call)
    windows = zip(ints(kernel_size, count), ints(stride or kernel_size, count), ints(padding, count), strict=True)
    for size, (kernel, step, before) in zip(call.results[0].shape[-count:], windows, strict=True):
        if not isinstance(size, int) and step + before > kernel:
            return "ceil_mode of a dynamic size needs windows of at least stride + padding"
    return None


def _max_rejects(
    call: Call,
    input: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> str | None:
    sliced = call.uses(1) or set(ints(dilation, 1)) != {1} or not input.dtype.is_floating_point
    dynamic = any(not isinstance(size, int) for size in input.shape[-_count(call) :])
    if dynamic and call.uses(1):
        return "indices of dynamic sizes"
    if dynamic and sliced and ceil_mode:
        return "ceil_mode of dynamic sizes with dilation or integers"
    return _ceil_rejects(call, kernel_size, stride, padding) if ceil_mode else None


@converter("aten.max_pool2d_with_indices.default", "aten.max_pool3d_with_indices.default", rejects=_max_rejects)
def max_pool(
    ctx: Context,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> tuple[trt.ITensor, trt.ITensor | None]:
    """max_pool2d_with_indices(Tensor self, int[2] kernel_size, ..., bool ceil_mode=False) -> (Tensor, Tensor)"""
    count = _count(ctx.call)
    if set(ints(dilation, 1)) == {1} and dtype_of(input).is_floating_point and not ctx.call.uses(1):
        return pool(ctx, trt.PoolingType.MAX, input, kernel_size, stride, padding, ceil_mode), None
    chosen = (ints(kernel_size, count), ints(stride or kernel_size, count), ints(padding, count), ints(dilation, count))
    extents = [size if isinstance(size, int) else None for size in ctx.call.results[0].shape[-count:]]
    windows = {dim - count: Window(*row) for dim, row in enumerate(zip(*chosen, extents, strict=True))}
    return maximum_with_indices(ctx, input, windows) if ctx.call.uses(1) else (maximum(ctx, input, windows), None)


def _average_rejects(
    call: Call,
    input: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> str | None:
    if not input.dtype.is_floating_point:
        return "TensorRT averages floating-point numbers only"
    if not ceil_mode:
        return None
    if divisor_override is not None and any(
        not isinstance(size, int) for size in call.results[0].shape[-_count(call) :]
    ):
        return "ceil_mode of dynamic sizes with divisor_override"
    return _ceil_rejects(call, kernel_size, stride, padding)


@converter("aten.avg_pool2d.default", "aten.avg_pool3d.default", rejects=_average_rejects)
def avg_pool(
    ctx: Context,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> trt.ITensor:
    """avg_pool2d(Tensor self, int[2] kernel_size, ..., int? divisor_override=None) -> Tensor"""
    count = _count(ctx.call)
    kernel, stride = ints(kernel_size, count), stride or kernel_size
    inclusive = count_include_pad or divisor_override is not None
    if ceil_mode and count_include_pad and divisor_override is None and any(ints(padding, count)):
        # PyTorch counts its padding, but not what rounding up adds behind it: pad first, then count what is there
        sides = [amount for before in reversed(ints(padding, count)) for amount in (before, before)]
        input, padding = pad(ctx, input, sides), 0
    if ceil_mode and divisor_override is None:
        inclusive = False
    result = pool(ctx, trt.PoolingType.AVERAGE, input, kernel, stride, padding, ceil_mode, exclusive=not inclusive)
    if divisor_override is None:
        return result
    return elementwise(ctx, E.PROD, result, math.prod(kernel) / divisor_override, dtype_of(input))


def pool(
    ctx: Context,
    kind: trt.PoolingType,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool = False,
    exclusive: bool = False,
) -> trt.ITensor:
    """TensorRT's layer with exactly PyTorch's windows; the sizes are those of the call's first result."""
    count = _count(ctx.call)
    # the layer wants a batch
    missing = count + 2 - len(input.shape)
    tensor = unsqueeze(ctx, input, range(missing)) if missing > 0 else input
    kernel, step, before = ints(kernel_size, count), ints(stride or kernel_size, count), ints(padding, count)
    layer = ctx.network.add_pooling_nd(tensor, kind, kernel)
    layer.stride_nd, layer.pre_padding = step, before
    layer.average_count_excludes_padding = exclusive
    after = list(before)
    rows = zip(tuple(tensor.shape)[-count:], ctx.call.results[0].shape[-count:], strict=True)
    for index, (have, want) in enumerate(rows):
        if ceil_mode and have >= 0:
            # as much as the last window that PyTorch keeps needs
            after[index] = max((want - 1) * step[index] + kernel[index] - have - before[index], 0)
        elif ceil_mode:
            layer.padding_mode = trt.PaddingMode.EXPLICIT_ROUND_UP
    layer.post_padding = tuple(after)
    result = layer.get_output(0)
    return squeeze(ctx, result, list(range(missing))) if missing > 0 else result
