"""QUANTIZE, DEQUANTIZE and DYNAMIC_QUANTIZE."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import F32, FLOATS, I32, SHORT, Case, Suite, constant, scalar, trt_type, values

#: the shape of the scales by what one scale is for
_LAYOUTS = {"tensor": (), "axis": (6,), "block": (6, 3)}


def cases() -> list[Case]:
    """Scales for a tensor, an axis and blocks; values beside ties; blocks with scales of their own."""
    suite = Suite()
    for dtype in FLOATS:
        _round_trips(suite, dtype)
        _dequantize(suite, dtype)
        _ties(suite, dtype)
        _dynamic_quantize(suite, dtype)
    return suite.cases


def _scales(label: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    return (values(label, shape).abs() * 0.05 + 0.02).to(dtype)


def _round_trip(target: str, scale: torch.Tensor) -> Any:
    def build(n: Any, x: Any) -> Any:
        quantized = n.add_quantize(x, constant(n, scale), getattr(trt.DataType, target))
        restored = n.add_dequantize(quantized.get_output(0), constant(n, scale), x.dtype)
        for layer in (quantized, restored):
            layer.axis = 1 if scale.dim() == 1 else 0
            if scale.dim() == 2 and target in ("INT8", "FP8"):
                layer.block_shape = (1, 16)
        return restored

    return build


def _round_trips(suite: Suite, dtype: torch.dtype) -> None:
    for target in ("INT8", "FP8", "INT4", "FP4"):
        for layout, shape in _LAYOUTS.items():
            if layout != "block" and target in ("INT4", "FP4"):
                continue
            scale = _scales("scale", shape, dtype)
            label = f"{target}-{layout}-{SHORT[dtype]}"
            extents = (6, 48) if layout == "block" else (4, 6, 5)
            suite.add("QUANTIZE", label, _round_trip(target, scale), [values("q", extents, dtype) * 2])
            if target == "INT8":  # beside ties, where a division and a product with the reciprocal differ
                halves = values("halves", (6, 48) if layout == "block" else (40, 6, 5), I32, -120, 120) + 0.5
                each = scale.repeat_interleave(16, 1) if layout == "block" else scale.reshape(-1, *[1] * scale.dim())
                x = (halves * each.float()).to(dtype)
                suite.add("QUANTIZE", f"{label}-halves", _round_trip(target, scale), [x])


def _dequantize(suite: Suite, dtype: torch.dtype) -> None:
    packed = values("int4", (6, 24), torch.uint8, 0, 256)

    def four_bit(n: Any, x: Any) -> Any:
        whole = n.add_constant((6, 48), trt.Weights(trt.int4, packed.data_ptr(), 6 * 48)).get_output(0)
        layer = n.add_dequantize(whole, constant(n, _scales("scale", (6, 3), dtype)), trt_type(dtype))
        return n.add_elementwise(x, layer.get_output(0), trt.ElementWiseOperation.SUM)

    suite.add("DEQUANTIZE", f"INT4-block-{SHORT[dtype]}", four_bit, [values("x", (6, 48), dtype)])
    for layout in ("tensor", "axis"):
        scale = _scales("scale", _LAYOUTS[layout], dtype)

        def restore(n: Any, x: Any, scale: torch.Tensor = scale) -> Any:
            layer = n.add_dequantize(x, constant(n, scale), trt_type(dtype))
            layer.axis = 1
            return layer

        x = values("d", (4, 6, 5), torch.int8, -128, 128)
        suite.add("DEQUANTIZE", f"INT8-{layout}-{SHORT[dtype]}", restore, [x])


def _ties(suite: Suite, dtype: torch.dtype) -> None:
    def quantize(n: Any, x: Any) -> Any:
        return n.add_quantize(x, scalar(n, 0.03125, dtype), trt.int8)

    ties = torch.arange(-12, 12).to(dtype) * (0.03125 / 2)
    suite.add("QUANTIZE", f"INT8-ties-{SHORT[dtype]}", quantize, [torch.cat((ties, ties * 500))])


def _dynamic_quantize(suite: Suite, dtype: torch.dtype) -> None:
    def nvfp4(n: Any, x: Any) -> Any:
        layer = n.add_dynamic_quantize(x, 1, 16, trt.fp4, trt.fp8)
        layer.set_input(1, scalar(n, 0.01, F32))
        kind = trt.float32
        scale = n.add_dequantize(layer.get_output(1), scalar(n, 0.01, F32), kind).get_output(0)
        restored = n.add_dequantize(layer.get_output(0), scale, kind)
        restored.block_shape = (1, 16)
        return restored

    def mxfp8(n: Any, x: Any) -> Any:
        layer = n.add_dynamic_quantize(x, 1, 32, trt.fp8, trt.e8m0)
        restored = n.add_dequantize(layer.get_output(0), layer.get_output(1), trt.float32)
        restored.block_shape = (1, 32)
        return restored

    suite.add("DYNAMIC_QUANTIZE", f"nvfp4-{SHORT[dtype]}", nvfp4, [values("dq", (4, 64), dtype)])
    suite.add("DYNAMIC_QUANTIZE", f"mxfp8-{SHORT[dtype]}", mxfp8, [values("dq", (4, 64), dtype)])
