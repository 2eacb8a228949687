"""RESIZE and GRID_SAMPLE, every mode."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, F16, SHORT, Case, Suite, ints, values

_TRANSFORMATIONS = ("ALIGN_CORNERS", "ASYMMETRIC", "HALF_PIXEL")
_ROUNDINGS = ("HALF_UP", "HALF_DOWN", "FLOOR", "CEIL")


def resize(mode: str, transformation: str, target: Any = None, scales: Any = None, **settings: Any) -> Any:
    """Resize to a shape or by scales; settings are attributes of the layer."""

    def build(n: Any, x: Any) -> Any:
        layer = n.add_resize(x)
        layer.resize_mode = getattr(trt.InterpolationMode, mode)
        layer.coordinate_transformation = getattr(trt.ResizeCoordinateTransformation, transformation)
        for name, value in settings.items():
            if name == "nearest_rounding":
                value = getattr(trt.ResizeRoundMode, value)
            if name == "selector_for_single_pixel":
                value = getattr(trt.ResizeSelector, value)
            setattr(layer, name, value)
        if target is not None:
            layer.shape = target
        else:
            layer.scales = scales
        return layer

    return build


def cases() -> list[Case]:
    """Up and down, by shape and by scales, integral and fractional."""
    suite = Suite()
    for transformation in _TRANSFORMATIONS:
        _interpolated(suite, transformation)
        _nearest(suite, transformation)
        _near_ties(suite, transformation)
    _resize_settings(suite)
    _grids(suite)
    return suite.cases


def _interpolated(suite: Suite, transformation: str) -> None:
    x = values("resize", (1, 2, 5, 7))
    for mode in ("LINEAR", "CUBIC"):
        label = f"{mode}-{transformation}"
        suite.add("RESIZE", f"{label}-up", resize(mode, transformation, (1, 2, 9, 12)), [x])
        suite.add("RESIZE", f"{label}-down", resize(mode, transformation, (1, 2, 3, 4)), [x])
        suite.add("RESIZE", f"{label}-scale", resize(mode, transformation, scales=(1, 1, 2, 3)), [x])
        suite.add("RESIZE", f"{label}-fraction", resize(mode, transformation, scales=(1, 1, 0.7, 1.3)), [x])
        suite.add("RESIZE", f"{label}-one", resize(mode, transformation, (1, 2, 1, 1)), [x])


def _nearest(suite: Suite, transformation: str) -> None:
    x = values("resize", (1, 2, 5, 7))
    for rounding in _ROUNDINGS:
        label = f"NEAREST-{transformation}-{rounding}"
        setting = {"nearest_rounding": rounding}
        suite.add("RESIZE", f"{label}-up", resize("NEAREST", transformation, (1, 2, 10, 12), **setting), [x])
        suite.add("RESIZE", f"{label}-down", resize("NEAREST", transformation, (1, 2, 3, 4), **setting), [x])
        fraction = resize("NEAREST", transformation, scales=(1, 1, 0.6, 1.7), **setting)
        suite.add("RESIZE", f"{label}-fraction", fraction, [x])


def _near_ties(suite: Suite, transformation: str) -> None:
    """Coordinates that lie on or beside an integer or a half."""
    many = values("many", (1, 1, 20, 30))
    for scales in ((1, 1, 0.6, 1.7), (1, 1, 0.3, 2.3), (1, 1, 1.1, 0.35)):
        for rounding in _ROUNDINGS:
            body = resize("NEAREST", transformation, scales=scales, nearest_rounding=rounding)
            suite.add("RESIZE", f"NEAREST-{transformation}-{rounding}-many-{scales[2]}", body, [many])
    for target in ((1, 1, 27, 25), (1, 1, 14, 45)):
        for rounding in _ROUNDINGS:
            body = resize("NEAREST", transformation, target, nearest_rounding=rounding)
            suite.add("RESIZE", f"NEAREST-{transformation}-{rounding}-many-to-{target[2]}", body, [many])


def _resize_settings(suite: Suite) -> None:
    x = values("resize", (1, 2, 5, 7))
    for mode in ("NEAREST", "LINEAR", "CUBIC"):
        for dtype in (F16, BF16):
            body = resize(mode, "HALF_PIXEL", (1, 2, 8, 10))
            suite.add("RESIZE", f"{mode}-{SHORT[dtype]}", body, [values("resize", (1, 2, 5, 7), dtype)])
        upper = resize(mode, "HALF_PIXEL", (1, 2, 1, 4), selector_for_single_pixel="UPPER")
        suite.add("RESIZE", f"{mode}-upper", upper, [x])
        dynamic = resize(mode, "ASYMMETRIC", scales=(1, 1, 2, 2))
        suite.add("RESIZE", f"{mode}-dynamic", dynamic, [values("resize", (2, 2, 4, 6))], {0: (0, 2, 3)})
    for settings in ({"cubic_coeff": -0.5}, {"exclude_outside": 1}, {"cubic_coeff": -0.5, "exclude_outside": 1}):
        label = "-".join(f"{name}={value}" for name, value in settings.items())
        suite.add("RESIZE", f"CUBIC-{label}", resize("CUBIC", "HALF_PIXEL", (1, 2, 8, 10), **settings), [x])
    suite.add("RESIZE", "LINEAR-3d", resize("LINEAR", "HALF_PIXEL", (1, 2, 6, 4, 9)), [values("r", (1, 2, 3, 5, 4))])
    suite.add("RESIZE", "LINEAR-1d", resize("LINEAR", "HALF_PIXEL", (2, 3, 9)), [values("r", (2, 3, 5))])
    for mode in ("NEAREST", "LINEAR", "CUBIC"):
        whole = values("resize", (1, 4, 5, 7), torch.int8, -128, 128)
        suite.add("RESIZE", f"{mode}-i8", resize(mode, "HALF_PIXEL", (1, 4, 8, 10)), [whole])

    def by_tensor(n: Any, x: Any) -> Any:
        layer = n.add_resize(x)
        layer.resize_mode = trt.InterpolationMode.LINEAR
        layer.set_input(1, ints(n, 1, 2, 8, 10))
        return layer

    suite.add("RESIZE", "shape-tensor", by_tensor, [x])


def _grids(suite: Suite) -> None:
    def body(mode: str, outside: str, align: bool) -> Any:
        def build(n: Any, x: Any, grid: Any) -> Any:
            layer = n.add_grid_sample(x, grid)
            layer.interpolation_mode = getattr(trt.InterpolationMode, mode)
            layer.sample_mode = getattr(trt.SampleMode, outside)
            layer.align_corners = align
            return layer

        return build

    x, grid = values("x", (2, 3, 6, 7)), values("grid", (2, 4, 5, 2)) * 0.8
    for mode in ("NEAREST", "LINEAR", "CUBIC"):
        for outside in ("FILL", "CLAMP", "REFLECT"):
            for align in (False, True):
                label = f"{mode}-{outside}{'-align' if align else ''}"
                suite.add("GRID_SAMPLE", label, body(mode, outside, align), [x, grid])
    suite.add("GRID_SAMPLE", "f16", body("LINEAR", "FILL", False), [x.half(), grid.half()])
    inputs = [values("x", (1, 2, 3, 4, 5)), values("grid", (1, 2, 3, 4, 3)) * 0.8]
    suite.add("GRID_SAMPLE", "3d", body("LINEAR", "FILL", False), inputs)
    suite.add("GRID_SAMPLE", "dynamic", body("LINEAR", "CLAMP", False), [x, grid], {0: (0,), 1: (0,)})
    suite.add("GRID_SAMPLE", "far", body("LINEAR", "REFLECT", True), [x, torch.full((2, 1, 1, 2), 5.3)])
