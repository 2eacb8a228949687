"""Interpolation, in PyTorch's coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch
from torch2trt import Call, Context, trt
from torch2trt.lib import ConverterFunction, is_runtime, named, size, size_math

E = trt.ElementWiseOperation
Mode, Place, Rounding = trt.InterpolationMode, trt.ResizeCoordinateTransformation, trt.ResizeRoundMode
Sizes = Sequence[Any] | None
Scales = Sequence[float] | None


def _resize(
    ctx: Context,
    input: trt.ITensor,
    output_size: Sizes,
    scale_factors: Scales,
    mode: trt.InterpolationMode,
    place: trt.ResizeCoordinateTransformation,
) -> trt.IResizeLayer:
    layer = ctx.network.add_resize(input)
    layer.resize_mode, layer.coordinate_transformation = mode, place
    want = ctx.call.result.shape[2:]
    if scale_factors is not None and place != Place.ALIGN_CORNERS:
        have = tuple(input.shape)[2:]
        factors = [_factor(*row, mode, place) for row in zip(scale_factors, have, want, strict=True)]
        # PyTorch places elements by the factor, not by the ratio of the sizes
        if factors != [_ratio(*row) for row in zip(have, want, strict=True)]:
            layer.scales = [1.0, 1.0, *factors]
            return layer
    dims = [size(ctx, input, 0), size(ctx, input, 1)]
    for index, known in enumerate(want):
        if isinstance(known, int):
            dims.append(known)
        elif scale_factors is not None:
            dims.append(_scaled(ctx, size(ctx, input, index + 2), scale_factors[index]))
        else:
            dims.append((output_size or ())[index])
    if any(map(is_runtime, dims)):
        layer.set_input(1, ctx.shape(dims))
    else:
        layer.shape = tuple(dims)
    return layer


def _factor(factor: float, have: int, want: Any, mode: Any, place: Any) -> float:
    """The factor that PyTorch uses: it copies what keeps its size, and repeats what doubles it."""
    nearest = place == Place.ASYMMETRIC
    if want == have and (nearest or mode == Mode.LINEAR):
        return 1.0
    return 2.0 if want == 2 * have and nearest else factor


def _ratio(have: int, want: Any) -> float | None:
    return want / have if isinstance(want, int) and have > 0 else None


def _scaled(ctx: Context, extent: Any, factor: float) -> Any:
    ratio = Fraction(factor).limit_denominator(1000)
    return size_math(ctx, E.FLOOR_DIV, size_math(ctx, E.PROD, extent, ratio.numerator), ratio.denominator)


def _nearest(name: str, place: trt.ResizeCoordinateTransformation, rounding: trt.ResizeRoundMode) -> ConverterFunction:
    def rejects(call: Call, input: torch.Tensor, output_size: Sizes, scale_factors: Scales) -> str | None:
        return None if input.dtype.is_floating_point else "TensorRT resizes floating-point numbers only"

    def convert(ctx: Context, input: trt.ITensor, output_size: Sizes, scale_factors: Scales) -> trt.ITensor:
        layer = _resize(ctx, input, output_size, scale_factors, Mode.NEAREST, place)
        layer.nearest_rounding = rounding
        return layer.get_output(0)

    return named(name, f"aten.{name}.vec", rejects=rejects)(convert)


# one counts from the edge of an element, the other from its middle
_nearest_of = Place.ASYMMETRIC, Rounding.FLOOR
_exact_of = Place.HALF_PIXEL, Rounding.HALF_UP
nearest1d, nearest_exact1d = (
    _nearest("upsample_nearest1d", *_nearest_of),
    _nearest("_upsample_nearest_exact1d", *_exact_of),
)
nearest2d, nearest_exact2d = (
    _nearest("upsample_nearest2d", *_nearest_of),
    _nearest("_upsample_nearest_exact2d", *_exact_of),
)
nearest3d, nearest_exact3d = (
    _nearest("upsample_nearest3d", *_nearest_of),
    _nearest("_upsample_nearest_exact3d", *_exact_of),
)


def _smooth(name: str, mode: trt.InterpolationMode) -> ConverterFunction:
    def rejects(
        call: Call, input: torch.Tensor, output_size: Sizes, align_corners: bool, scale_factors: Scales
    ) -> str | None:
        return None if input.dtype.is_floating_point else "TensorRT resizes floating-point numbers only"

    def convert(
        ctx: Context, input: trt.ITensor, output_size: Sizes, align_corners: bool, scale_factors: Scales
    ) -> trt.ITensor:
        place = Place.ALIGN_CORNERS if align_corners else Place.HALF_PIXEL
        layer = _resize(ctx, input, output_size, scale_factors, mode, place)
        if mode == Mode.CUBIC:
            layer.cubic_coeff = -0.75
        if align_corners:
            # an only element is the first, not the middle
            layer.selector_for_single_pixel = trt.ResizeSelector.UPPER
        return layer.get_output(0)

    return named(name, f"aten.{name}.vec", rejects=rejects)(convert)


linear1d, bilinear2d = _smooth("upsample_linear1d", Mode.LINEAR), _smooth("upsample_bilinear2d", Mode.LINEAR)
trilinear3d, bicubic2d = _smooth("upsample_trilinear3d", Mode.LINEAR), _smooth("upsample_bicubic2d", Mode.CUBIC)
