"""RESIZE and GRID_SAMPLE."""

from __future__ import annotations

import math

import pytest
import torch
from generated.base import values
from generated.sampling import resize
from nets import close, evaluate
from torch.nn import functional
from torch2trt._trt import trt


def source(i, size, length, transformation):
    if transformation == "ALIGN_CORNERS":
        return i * (length - 1) / (size - 1)
    if transformation == "ASYMMETRIC":
        return i * length / size
    return (i + 0.5) * length / size - 0.5


ROUNDINGS = {
    "HALF_UP": lambda p: math.floor(p + 0.5),
    "HALF_DOWN": lambda p: math.ceil(p - 0.5),
    "FLOOR": math.floor,
    "CEIL": math.ceil,
}


@pytest.mark.parametrize("transformation", ["ALIGN_CORNERS", "ASYMMETRIC", "HALF_PIXEL"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("size", [3, 4, 8, 12])
def test_nearest(transformation, rounding, size):
    x = torch.arange(6.0).reshape(1, 1, 6)
    got = evaluate(resize("NEAREST", transformation, (1, 1, size), nearest_rounding=rounding), x)
    want = [ROUNDINGS[rounding](source(i, size, 6, transformation)) for i in range(size)]
    assert got[0, 0].tolist() == [min(max(index, 0), 5) for index in want]


def test_extents_and_coordinates_of_fractional_scales_are_fp32():
    assert evaluate(resize("NEAREST", "ASYMMETRIC", scales=(1, 1, 2.3)), torch.zeros(1, 1, 30)).shape[2] == 69
    x = torch.arange(5.0).reshape(1, 1, 5)
    got = evaluate(resize("NEAREST", "HALF_PIXEL", scales=(1, 1, 0.6), nearest_rounding="FLOOR"), x)
    assert got.tolist() == [[[0, 2, 3]]]  # an engine's; the second lies at 1.9999999 in fp64


@pytest.mark.parametrize("transformation", ["ALIGN_CORNERS", "ASYMMETRIC", "HALF_PIXEL"])
@pytest.mark.parametrize("size", [3, 4, 9])
def test_linear(transformation, size):
    x = values("x", (1, 1, 6))
    got = evaluate(resize("LINEAR", transformation, (1, 1, size)), x)[0, 0]
    for i in range(size):
        at = min(max(source(i, size, 6, transformation), 0), 5)
        low, part = int(at), at - int(at)
        want = (1 - part) * float(x[0, 0, low]) + part * float(x[0, 0, min(low + 1, 5)])
        assert float(got[i]) == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(9, 11), (3, 4)])
def test_linear_and_cubic_are_torch_s_where_those_agree(align, size):
    x = values("x", (2, 3, 5, 7))
    transformation = "ALIGN_CORNERS" if align else "HALF_PIXEL"
    for mode, name in (("LINEAR", "bilinear"), ("CUBIC", "bicubic")):
        got = evaluate(resize(mode, transformation, (2, 3, *size), cubic_coeff=-0.75), x)
        close(got, functional.interpolate(x, size, mode=name, align_corners=align), rtol=1e-4, atol=1e-5)


def test_excluded_samples_have_no_weight():
    x = torch.ones(1, 1, 3, 5)
    got = evaluate(resize("CUBIC", "HALF_PIXEL", (1, 1, 7, 9), exclude_outside=1), x)
    close(got, torch.ones(1, 1, 7, 9))


def test_upper_selects_the_first_of_a_single_pixel():
    x = torch.arange(6.0).reshape(1, 1, 6)
    body = resize("NEAREST", "HALF_PIXEL", (1, 1, 1), selector_for_single_pixel="UPPER", nearest_rounding="FLOOR")
    assert evaluate(body, x).item() == 0
    assert evaluate(resize("NEAREST", "HALF_PIXEL", (1, 1, 1), nearest_rounding="FLOOR"), x).item() == 2


def test_scales_floor_the_extent_and_give_the_ratio():
    x = torch.arange(10.0).reshape(1, 1, 10)
    got = evaluate(resize("NEAREST", "ASYMMETRIC", scales=(1, 1, 0.75), nearest_rounding="FLOOR"), x)
    assert got[0, 0].tolist() == [math.floor(i / 0.75) for i in range(7)]


@pytest.mark.parametrize("mode", ["NEAREST", "LINEAR", "CUBIC"])
@pytest.mark.parametrize("outside", ["FILL", "CLAMP", "REFLECT"])
def test_grid_sample_at_the_pixels_gives_the_pixels(mode, outside):
    x = values("x", (1, 2, 4, 5))
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 4), torch.linspace(-1, 1, 5), indexing="ij")

    def body(network, x, grid):
        layer = network.add_grid_sample(x, grid)
        layer.interpolation_mode = getattr(trt.InterpolationMode, mode)
        layer.sample_mode, layer.align_corners = getattr(trt.SampleMode, outside), True
        return layer

    close(evaluate(body, x, torch.stack((columns, rows), -1)[None]), x, rtol=1e-4, atol=1e-5)
    far = evaluate(body, x, torch.full((1, 1, 1, 2), 9.0))[0, :, 0, 0]
    if outside != "REFLECT":
        close(far, torch.zeros(2) if outside == "FILL" else x[0, :, -1, -1])
