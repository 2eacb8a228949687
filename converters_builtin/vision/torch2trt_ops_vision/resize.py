"""Interpolation, in PyTorch's coordinates."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size

Mode, Coordinates, Rounding = trt.InterpolationMode, trt.ResizeCoordinateTransformation, trt.ResizeRoundMode
Sizes = Sequence[Size] | None
Scales = Sequence[float] | None


def _rejects(input: torch.Tensor) -> str | None:
    return None if input.dtype.is_floating_point else "TensorRT resizes floating-point numbers only"


def _resize(
    ctx: Context,
    input: trt.ITensor,
    output_size: Sizes,
    scale_factors: Scales,
    mode: trt.InterpolationMode,
    coordinates: trt.ResizeCoordinateTransformation,
) -> trt.IResizeLayer:
    layer = ctx.network.add_resize(input)
    layer.resize_mode, layer.coordinate_transformation = mode, coordinates
    spatial, result = tuple(input.shape)[2:], ctx.call.result.shape[2:]
    if scale_factors is not None and coordinates != Coordinates.ALIGN_CORNERS:
        rows = zip(scale_factors, spatial, result, strict=True)
        scales = [_scale(factor, old, new, mode, coordinates) for factor, old, new in rows]
        # PyTorch places elements by the factor, not by the ratio of the sizes
        if scales != [_ratio(old, new) for old, new in zip(spatial, result, strict=True)]:
            layer.scales = [1.0, 1.0, *scales]
            return layer
    dims = [lib.size(ctx, input, 0), lib.size(ctx, input, 1)]
    for index, known in enumerate(result):
        if isinstance(known, int):
            dims.append(known)
        elif scale_factors is not None:
            dims.append(_scaled(ctx, lib.size(ctx, input, index + 2), scale_factors[index]))
        else:
            dims.append((output_size or ())[index])
    known_dims = tuple(dim for dim in dims if not lib.is_runtime(dim))
    if len(known_dims) == len(dims):
        layer.shape = known_dims
    else:
        layer.set_input(1, ctx.shape(dims))
    return layer


def _scale(
    factor: float,
    old: int,
    new: int | torch.SymInt,
    mode: trt.InterpolationMode,
    coordinates: trt.ResizeCoordinateTransformation,
) -> float:
    """The factor that PyTorch uses: it copies what keeps its size, and repeats what doubles it."""
    asymmetric: bool = coordinates == Coordinates.ASYMMETRIC
    if new == old and (asymmetric or mode == Mode.LINEAR):
        return 1.0
    return 2.0 if new == 2 * old and asymmetric else factor


def _ratio(old: int, new: int | torch.SymInt) -> float | None:
    return new / old if isinstance(new, int) and old > 0 else None


def _scaled(ctx: Context, size: Size, factor: float) -> Size:
    ratio = Fraction(factor).limit_denominator(1000)
    multiple = lib.size_op(ctx, operator.mul, size, ratio.numerator)
    result: Size = lib.size_op(ctx, operator.floordiv, multiple, ratio.denominator)
    return result


def _nearest(
    name: str, coordinates: trt.ResizeCoordinateTransformation, rounding: trt.ResizeRoundMode
) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: trt.ITensor, output_size: Sizes, scale_factors: Scales) -> trt.ITensor:
        layer = _resize(ctx, input, output_size, scale_factors, Mode.NEAREST, coordinates)
        layer.nearest_rounding = rounding
        return layer.get_output(0)

    return converter(f"aten.{name}.vec", name=name, rejects=_rejects)(convert)


# one counts from the edge of an element, the other from its middle
_EDGE, _MIDDLE = (Coordinates.ASYMMETRIC, Rounding.FLOOR), (Coordinates.HALF_PIXEL, Rounding.HALF_UP)
nearest1d, nearest_exact1d = _nearest("upsample_nearest1d", *_EDGE), _nearest("_upsample_nearest_exact1d", *_MIDDLE)
nearest2d, nearest_exact2d = _nearest("upsample_nearest2d", *_EDGE), _nearest("_upsample_nearest_exact2d", *_MIDDLE)
nearest3d, nearest_exact3d = _nearest("upsample_nearest3d", *_EDGE), _nearest("_upsample_nearest_exact3d", *_MIDDLE)


def _smooth(name: str, mode: trt.InterpolationMode) -> Callable[..., trt.ITensor]:
    def convert(
        ctx: Context, input: trt.ITensor, output_size: Sizes, align_corners: bool, scale_factors: Scales
    ) -> trt.ITensor:
        coordinates = Coordinates.ALIGN_CORNERS if align_corners else Coordinates.HALF_PIXEL
        layer = _resize(ctx, input, output_size, scale_factors, mode, coordinates)
        if mode == Mode.CUBIC:
            layer.cubic_coeff = -0.75
        if align_corners:
            # an only element is the first, not the middle
            layer.selector_for_single_pixel = trt.ResizeSelector.UPPER
        return layer.get_output(0)

    return converter(f"aten.{name}.vec", name=name, rejects=_rejects)(convert)


linear1d, bilinear2d = _smooth("upsample_linear1d", Mode.LINEAR), _smooth("upsample_bilinear2d", Mode.LINEAR)
trilinear3d, bicubic2d = _smooth("upsample_trilinear3d", Mode.LINEAR), _smooth("upsample_bicubic2d", Mode.CUBIC)
