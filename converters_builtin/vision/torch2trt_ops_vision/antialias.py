"""Antialiased interpolation: a matrix for each of the two dimensions, which PyTorch computes where sizes are known."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

#: of distances, how much elements count
Filter = Callable[[Context, trt.ITensor], trt.ITensor]


def _dynamic(input: torch.Tensor, output_size: Sequence[int | torch.SymInt]) -> str | None:
    sizes = [*input.shape[2:], *output_size]
    return None if all(isinstance(size, int) for size in sizes) else "this antialias between dynamic sizes"


def _antialiased(name: str, weigh: Filter | None = None) -> Callable[..., trt.ITensor]:
    overload = getattr(torch.ops.aten, name).default

    def convert(
        ctx: Context,
        input: trt.ITensor,
        output_size: Sequence[Size],
        align_corners: bool,
        scales_h: float | None = None,
        scales_w: float | None = None,
    ) -> trt.ITensor:
        matrices: list[Value] = []
        for dim, new, factor in zip((2, 3), output_size, (scales_h, scales_w), strict=True):
            old = lib.size(ctx, input, dim)
            if lib.is_runtime(old) or lib.is_runtime(new):
                assert weigh is not None  # the call is declined otherwise
                scale = _scale(ctx, old, new, align_corners, factor)
                matrices.append(ctx.tensor(_matrix(ctx, weigh, old, new, scale), lib.dtype_of(input)))
                continue
            # the columns of the identity, interpolated, are those of the matrix
            identity = torch.eye(old).reshape(1, 1, old, old)
            matrix = overload(identity, [new, old], align_corners, factor, None)[0, 0]
            matrices.append(matrix.to(lib.dtype_of(input)))
        return lib.matmul(ctx, lib.matmul(ctx, matrices[0], input), matrices[1], transpose_other=True)

    return converter(f"aten.{name}.default", name=name, rejects=None if weigh else _dynamic)(convert)


def _scale(ctx: Context, old: Size, new: Size, align_corners: bool, factor: float | None) -> Value:
    """How many elements of the old size make one of the new."""
    if not align_corners:
        return 1 / factor if factor else lib.div(ctx, old, new, torch.float32)
    last_old, last_new = (lib.size_op(ctx, operator.sub, size, 1) for size in (old, new))
    scale = lib.div(ctx, last_old, lib.size_op(ctx, max, last_new, 1), torch.float32)
    # the only new element is the first old one
    return lib.where(ctx, lib.gt(ctx, last_new, 0), scale, 0.0)


def _matrix(ctx: Context, weigh: Filter, old: Size, new: Size, scale: Value) -> trt.ITensor:
    """``(new, old)``: how much of each old element goes into each new one, by the distance of their middles."""
    middles = lib.unsqueeze(ctx, lib.add(ctx, lib.arange(ctx, new), 0.5, torch.float32), [1])
    elements = lib.add(ctx, lib.arange(ctx, old), 0.5, torch.float32)
    distances = lib.sub(ctx, elements, lib.mul(ctx, middles, scale, torch.float32))
    # a filter that is made wider where the image becomes smaller
    weights = weigh(ctx, lib.abs(ctx, lib.div(ctx, distances, lib.maximum(ctx, scale, 1.0, torch.float32))))
    return lib.div(ctx, weights, lib.sum(ctx, weights, 1, keepdim=True))


def _linear(ctx: Context, distance: trt.ITensor) -> trt.ITensor:
    return lib.relu(ctx, lib.sub(ctx, 1.0, distance))


def _cubic(ctx: Context, distance: trt.ITensor) -> trt.ITensor:
    """The cubic convolution of a = -0.5: 1.5 x^3 - 2.5 x^2 + 1 up to 1, then -0.5 x^3 + 2.5 x^2 - 4 x + 2 up to 2."""
    square = lib.mul(ctx, distance, distance)
    near = lib.add(ctx, lib.mul(ctx, lib.sub(ctx, lib.mul(ctx, distance, 1.5), 2.5), square), 1.0)
    curve = lib.sub(ctx, 2.5, lib.mul(ctx, distance, 0.5))
    far = lib.add(ctx, lib.sub(ctx, lib.mul(ctx, curve, square), lib.mul(ctx, distance, 4.0)), 2.0)
    beyond = lib.where(ctx, lib.lt(ctx, distance, 2.0), far, 0.0)
    return lib.where(ctx, lib.lt(ctx, distance, 1.0), near, beyond)


bilinear2d_aa = _antialiased("_upsample_bilinear2d_aa", _linear)
bicubic2d_aa = _antialiased("_upsample_bicubic2d_aa", _cubic)
# not in every version of PyTorch
if hasattr(torch.ops.aten, "_upsample_lanczos2d_aa"):
    lanczos2d_aa = _antialiased("_upsample_lanczos2d_aa")
