"""Sampling at the points of a grid."""

from __future__ import annotations

from torch2trt import Context, converter, trt
from torch2trt.lib import Value

#: by PyTorch's numbers
_INTERPOLATION_MODES = (trt.InterpolationMode.LINEAR, trt.InterpolationMode.NEAREST, trt.InterpolationMode.CUBIC)
_PADDING_MODES = (trt.SampleMode.FILL, trt.SampleMode.CLAMP, trt.SampleMode.REFLECT)


@converter("aten.grid_sampler_2d.default", "aten.grid_sampler_3d.default")
def grid_sampler(
    ctx: Context, input: Value, grid: Value, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> trt.ITensor:
    """grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, ..., bool align_corners) -> Tensor"""
    layer = ctx.network.add_grid_sample(ctx.tensor(input), ctx.tensor(grid))
    layer.interpolation_mode = _INTERPOLATION_MODES[interpolation_mode]
    layer.sample_mode = _PADDING_MODES[padding_mode]
    layer.align_corners = align_corners
    return layer.get_output(0)
