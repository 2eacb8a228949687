"""Interpolation, in PyTorch's coordinates."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size

Mode, Coordinates, Rounding = trt.InterpolationMode, trt.ResizeCoordinateTransformation, trt.ResizeRoundMode
Sizes = Sequence[Size] | None
Scales = Sequence[float] | None


def _no_float(input: torch.Tensor) -> str | None:
    return None if input.dtype.is_floating_point else "TensorRT resizes floating-point numbers only"


def _copied_otherwise(input: torch.Tensor, scale_factors: Scales, cubic: bool = False) -> str | None:
    """Why a dimension whose size a factor keeps or doubles differs from PyTorch's, or None.

    A factor of 1.1 keeps a size of 5, and 2.1 doubles 3.  PyTorch then copies or repeats the dimension, except in mode
    cubic on a CPU; TensorRT copies in mode cubic, and in no mode where the size is dynamic.
    """
    by_factor = cubic and input.device.type == "cpu"
    sizes: Sequence[int | torch.SymInt] = input.shape[2:]
    for factor, size in zip(scale_factors or (), sizes, strict=bool(scale_factors)):
        multiple = math.floor(factor)
        least = math.ceil(1 / (factor - multiple)) if factor != multiple else 1
        if isinstance(size, int):
            if cubic and factor != 1 and int(size * factor) == size:
                return f"the factor {factor} keeps the size {size}, which TensorRT copies"
        elif multiple in (1, 2) and least > 2 and not by_factor and not statically_known_true(size >= least):
            return f"below a size of {least} the factor {factor} is {multiple}: state {least} as the least size"
    return None


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
        # on a CPU, PyTorch copies what keeps its size in mode linear
        copies = ctx.call.args[0].device.type == "cpu" and mode == Mode.LINEAR
        rows = [*zip(scale_factors, spatial, result, strict=True)]
        scales = [1.0 if copies and new == old else factor for factor, old, new in rows]
        # otherwise it places elements by the factor, not by the ratio of the sizes
        if scales != [_ratio(old, new) for _, old, new in rows]:
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


def _ratio(old: int, new: int | torch.SymInt) -> float | None:
    return new / old if isinstance(new, int) and old > 0 else None


def _scaled(ctx: Context, size: Size, factor: float) -> Size:
    ratio = Fraction(factor).limit_denominator(1000)
    multiple = lib.size_op(ctx, operator.mul, size, ratio.numerator)
    result: Size = lib.size_op(ctx, operator.floordiv, multiple, ratio.denominator)
    return result


def _nearest(
    name: str, method: str, coordinates: trt.ResizeCoordinateTransformation, rounding: trt.ResizeRoundMode
) -> Callable[..., trt.ITensor]:
    def convert(ctx: Context, input: trt.ITensor, output_size: Sizes, scale_factors: Scales) -> trt.ITensor:
        spatial = tuple(input.shape)[2:]
        if -1 not in spatial and any(not float(factor).is_integer() for factor in scale_factors or ()):
            for dim, (size, factor) in enumerate(zip(spatial, scale_factors or (), strict=True), 2):
                input = lib.index_select(ctx, input, dim, _places(size, factor, method, len(spatial)))
            return input
        layer = _resize(ctx, input, output_size, scale_factors, Mode.NEAREST, coordinates)
        layer.nearest_rounding = rounding
        return layer.get_output(0)

    def reason(input: torch.Tensor, scale_factors: Scales) -> str | None:
        copies = name == "upsample_nearest2d"
        return _no_float(input) or (_copied_otherwise(input, scale_factors) if copies else None)

    return converter(f"aten.{name}.vec", name=name, rejects=reason)(convert)


def _places(size: int, factor: float, method: str, ndim: int) -> torch.Tensor:
    """Where PyTorch takes each element from: where two are as near, and one or three dimensions are not like two."""
    places = torch.arange(size, dtype=torch.float64).reshape(1, 1, size, *[1] * (ndim - 1))
    resized = torch.nn.functional.interpolate(places, scale_factor=(factor, *[1.0] * (ndim - 1)), mode=method)
    return resized.flatten().long()


# one counts from the edge of an element, the other from its middle
_EDGE = "nearest", Coordinates.ASYMMETRIC, Rounding.FLOOR
_MIDDLE = "nearest-exact", Coordinates.HALF_PIXEL, Rounding.HALF_UP
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

    def reason(input: torch.Tensor, align_corners: bool, scale_factors: Scales) -> str | None:
        factors = None if align_corners else scale_factors
        return _no_float(input) or _copied_otherwise(input, factors, cubic=mode == Mode.CUBIC)

    return converter(f"aten.{name}.vec", name=name, rejects=reason)(convert)


linear1d, bilinear2d = _smooth("upsample_linear1d", Mode.LINEAR), _smooth("upsample_bilinear2d", Mode.LINEAR)
trilinear3d, bicubic2d = _smooth("upsample_trilinear3d", Mode.LINEAR), _smooth("upsample_bicubic2d", Mode.CUBIC)
