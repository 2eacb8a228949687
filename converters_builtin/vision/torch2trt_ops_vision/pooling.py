"""Pooling with windows of one size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch2trt import Call, Context, converter, lib, trt
from torch2trt.lib import ints

from .windows import Window, maximum, maximum_with_indices

Ints = int | Sequence[int]
#: TensorRT's windows over two dimensions have fewer elements
_TOO_LARGE = 100_000
#: windows longer than that in the last dimension read beyond the input with TensorRT for RTX 1.6.1
_TOO_WIDE = 256


def _pooled_dims(call: Call) -> int:
    """How many dimensions are pooled: 2 of ``aten.max_pool2d_with_indices``."""
    return int(call.target.name.partition("pool")[2][0])


def _ceil_rejects(call: Call, kernel_size: Ints, stride: Ints, padding: Ints) -> str | None:
    """PyTorch drops a last window that begins in the padding; where the size is dynamic TensorRT cannot follow it."""
    count = _pooled_dims(call)
    windows = zip(ints(kernel_size, count), ints(stride or kernel_size, count), ints(padding, count), strict=True)
    for size, (k, s, p) in zip(call.results[0].shape[-count:], windows, strict=True):
        if not isinstance(size, int) and s + p > k:
            return "ceil_mode of a dynamic size needs windows of at least stride + padding"
    return None


def _too_long(call: Call, input: torch.Tensor, kernel_size: Ints, padding: Ints, ceil_mode: bool) -> str | None:
    """Windows too large for TensorRT also where rows and columns are pooled one after the other."""
    count = _pooled_dims(call)
    kernel_size, padding, inside = ints(kernel_size, count), ints(padding, count), tuple(input.shape[-count:])
    if count != 2 or (kernel_size == inside and not any(padding)):
        return None
    known = tuple(size if isinstance(size, int) else -1 for size in inside)
    longest = max(_reached(kernel_size, known, padding) if ceil_mode else kernel_size)
    return f"a window {longest} long: TensorRT's are shorter than {_TOO_LARGE}" if longest >= _TOO_LARGE else None


def _max_rejects(
    call: Call, input: torch.Tensor, kernel_size: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> str | None:
    if reason := _too_long(call, input, kernel_size, padding, ceil_mode):
        return reason
    sliced = call.uses(1) or set(ints(dilation, 1)) != {1} or not input.dtype.is_floating_point
    dynamic = any(not isinstance(size, int) for size in input.shape[-_pooled_dims(call) :])
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
    count = _pooled_dims(ctx.call)
    if set(ints(dilation, 1)) == {1} and lib.dtype_of(input).is_floating_point and not ctx.call.uses(1):
        return pool(ctx, trt.PoolingType.MAX, input, kernel_size, stride, padding, ceil_mode), None
    geometry = [ints(values, count) for values in (kernel_size, stride or kernel_size, padding, dilation)]
    counts = [size if isinstance(size, int) else None for size in ctx.call.results[0].shape[-count:]]
    rows = zip(range(-count, 0), *geometry, counts, strict=True)
    windows = {dim: Window(*row) for dim, *row in rows}
    return maximum_with_indices(ctx, input, windows) if ctx.call.uses(1) else (maximum(ctx, input, windows), None)


def _average_rejects(
    call: Call,
    input: torch.Tensor,
    kernel_size: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool,
    divisor_override: int | None,
) -> str | None:
    if not input.dtype.is_floating_point:
        return "TensorRT averages floating-point numbers only"
    if reason := _too_long(call, input, kernel_size, padding, ceil_mode):
        return reason
    if not ceil_mode:
        return None
    dynamic = any(not isinstance(size, int) for size in call.results[0].shape[-_pooled_dims(call) :])
    if dynamic and divisor_override is not None:
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
    count = _pooled_dims(ctx.call)
    kernel_size, stride = ints(kernel_size, count), stride or kernel_size
    exclusive = not count_include_pad and divisor_override is None
    if ceil_mode and divisor_override is None:
        exclusive = True
        if count_include_pad and any(ints(padding, count)):
            # PyTorch counts its padding, but not what rounding up adds behind it: pad first, then count what is there
            amounts = [amount for amount in reversed(ints(padding, count)) for _ in range(2)]
            input, padding = lib.pad(ctx, input, amounts), 0
    result = pool(ctx, trt.PoolingType.AVERAGE, input, kernel_size, stride, padding, ceil_mode, exclusive)
    if divisor_override is None:
        return result
    return lib.mul(ctx, result, math.prod(kernel_size) / divisor_override)


def pool(
    ctx: Context,
    op: trt.PoolingType,
    input: trt.ITensor,
    kernel_size: Ints,
    stride: Ints,
    padding: Ints,
    ceil_mode: bool = False,
    exclusive: bool = False,
) -> trt.ITensor:
    """TensorRT's layer with exactly PyTorch's windows; the sizes are those of the call's first result."""
    count = _pooled_dims(ctx.call)
    # the layer wants a batch
    added = list(range(count + 2 - len(input.shape)))
    tensor = lib.unsqueeze(ctx, input, added)
    kernel_size, stride = ints(kernel_size, count), ints(stride or kernel_size, count)
    padding = post_padding = ints(padding, count)
    inside = tuple(tensor.shape)[-count:]
    if all(isinstance(size, int) and size == 1 for size in (*inside, *ctx.call.results[0].shape[-count:])):
        # of one element TensorRT for RTX has no average on compute capability 9.0
        return input if exclusive or op == trt.PoolingType.MAX else lib.mul(ctx, input, 1 / math.prod(kernel_size))
    if ceil_mode and (exclusive or op == trt.PoolingType.MAX):
        kernel_size = _reached(kernel_size, inside, padding)
    if count == 2 and _too_large(kernel_size) and kernel_size == inside and not any(padding):
        return lib.squeeze(ctx, _over_all(ctx, op, tensor), added)
    if ceil_mode:
        sizes = zip(inside, ctx.call.results[0].shape[-count:], strict=True)
        windows = zip(sizes, kernel_size, stride, padding, strict=True)
        # as much as the last window that PyTorch keeps needs; of dynamic sizes the layer rounds up
        post_padding = tuple(max((new - 1) * s + k - old - p, 0) if old >= 0 else p for (old, new), k, s, p in windows)
    tensor = _slide(
        ctx, op, tensor, (kernel_size, stride, padding, post_padding), exclusive, ceil_mode and -1 in inside
    )
    return lib.squeeze(ctx, tensor, added)


def _slide(
    ctx: Context,
    op: trt.PoolingType,
    tensor: trt.ITensor,
    geometry: Sequence[tuple[int, ...]],
    exclusive: bool,
    rounds_up: bool,
) -> trt.ITensor:
    """TensorRT's layer, or two where it has none for such windows.

    What is averaged over rows and then over columns is averaged over the window, its padding counted or not; the last
    dimension becomes the last but one for that.

    Args:
        ctx: the context.
        op: what is done with a window.
        tensor: a batch of channels, then the dimensions that windows slide over.
        geometry: of these dimensions the windows, strides, and paddings in front and behind.
        exclusive: whether padding does not count.
        rounds_up: whether a last window may begin in the input and end beyond its padding.
    """
    kernel_size = geometry[0]
    count, neutral = len(kernel_size), (1, 1, 0, 0)

    def layer(input: trt.ITensor, rows: Sequence[tuple[int, ...]]) -> trt.ITensor:
        pooling = ctx.network.add_pooling_nd(input, op, rows[0])
        pooling.average_count_excludes_padding = exclusive
        if rounds_up:
            pooling.padding_mode = trt.PaddingMode.EXPLICIT_ROUND_UP
        pooling.stride_nd, pooling.pre_padding, pooling.post_padding = rows[1:]
        return pooling.get_output(0)

    if not _too_large(kernel_size):
        return layer(tensor, geometry)
    others = [(*row[:-1], one) for row, one in zip(geometry, neutral, strict=True)]
    if any(set(row) != {one} for row, one in zip(others, neutral, strict=True)):
        tensor = layer(tensor, others)
    order = [*range(count), count + 1, count]
    last = [(*(one,) * (count - 2), row[-1], one) for row, one in zip(geometry, neutral, strict=True)]
    return lib.permute(ctx, layer(lib.permute(ctx, tensor, order), last), order)


def _too_large(kernel_size: Sequence[int]) -> bool:
    """Whether TensorRT has no layer for a window."""
    return kernel_size[-1] > _TOO_WIDE or (len(kernel_size) == 2 and math.prod(kernel_size) >= _TOO_LARGE)


def _over_all(ctx: Context, op: trt.PoolingType, input: trt.ITensor) -> trt.ITensor:
    """The average or maximum over the last two dimensions."""
    if op == trt.PoolingType.MAX:
        return lib.amax(ctx, input, (-2, -1), keepdim=True)
    dtype = lib.dtype_of(input)
    return ctx.tensor(lib.mean(ctx, input, (-2, -1), keepdim=True, dtype=lib.opmath(dtype)), dtype)


def _reached(kernel_size: Sequence[int], inside: Sequence[int], padding: Sequence[int]) -> tuple[int, ...]:
    """The part of windows that lies on the input and its padding.

    Windows that round up may reach far beyond, and TensorRT's may not be so large.
    """
    rows = zip(kernel_size, inside, padding, strict=True)
    return tuple(min(k, old + p) if old > 0 else k for k, old, p in rows)
