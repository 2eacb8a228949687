"""Sampling at the points of a grid."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt

_MODES = (trt.InterpolationMode.LINEAR, trt.InterpolationMode.NEAREST, trt.InterpolationMode.CUBIC)
_OUTSIDE = (trt.SampleMode.FILL, trt.SampleMode.CLAMP, trt.SampleMode.REFLECT)


@converter("aten.grid_sampler_2d.default", "aten.grid_sampler_3d.default")
def grid_sampler(
    ctx: Context, input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> trt.ITensor:
    """grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, ..., bool align_corners) -> Tensor"""
    layer = ctx.network.add_grid_sample(ctx.tensor(input), ctx.tensor(grid))
    layer.interpolation_mode, layer.sample_mode = _MODES[interpolation_mode], _OUTSIDE[padding_mode]
    layer.align_corners = align_corners
    return layer.get_output(0)
