"""CONVOLUTION, DECONVOLUTION, POOLING, PADDING, LRN and NORMALIZATION."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, F16, F32, FLOATS, SHORT, Case, Suite, constant, values, weights

_WINDOWS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stride": {"stride_nd": (2, 1)},
    "pad": {"padding_nd": (1, 2)},
    "asymmetric": {"pre_padding": (0, 1), "post_padding": (2, 0)},
    "dilation": {"dilation_nd": (2, 1), "padding_nd": (2, 1)},
    "round-up": {"stride_nd": (2, 3), "padding_mode": "EXPLICIT_ROUND_UP", "padding_nd": (1, 1)},
    "same-upper": {"stride_nd": (2, 3), "padding_mode": "SAME_UPPER"},
    "same-lower": {"stride_nd": (2, 3), "padding_mode": "SAME_LOWER"},
}


def _set(layer: Any, settings: dict[str, Any]) -> Any:
    for name, value in settings.items():
        setattr(layer, name, getattr(trt.PaddingMode, value) if name == "padding_mode" else value)
    return layer


def cases() -> list[Case]:
    """Padding modes, strides, dilations, groups; 1 to 3 spatial axes; kernels as weights and as tensors."""
    suite = Suite()
    for transposed in (False, True):
        _convolutions(suite, transposed)
    _pooling(suite)
    _normalization(suite)
    for label, before, after in (("grow", (1, 2), (0, 3)), ("trim", (-1, 0), (0, -2)), ("both", (2, -1), (-1, 1))):
        body = lambda n, x, b=before, a=after: n.add_padding_nd(x, b, a)  # noqa: E731
        suite.add("PADDING", label, body, [values("pad", (2, 3, 6, 7))])
    for dtype in (F32, F16):
        for window in (3, 5):
            body = lambda n, x, w=window: n.add_lrn(x, w, 0.5, 0.75, 2.0)  # noqa: E731
            suite.add("LRN", f"{window}-{SHORT[dtype]}", body, [values("lrn", (2, 8, 4, 5), dtype)])
    return suite.cases


def _convolutions(suite: Suite, transposed: bool) -> None:
    kind = "DECONVOLUTION" if transposed else "CONVOLUTION"

    def body(kernel: torch.Tensor, bias: torch.Tensor | None, maps: int, settings: dict[str, Any]) -> Any:
        def build(n: Any, x: Any) -> Any:
            add = n.add_deconvolution_nd if transposed else n.add_convolution_nd
            shape = tuple(kernel.shape[2:])
            given = () if bias is None else (weights(bias),)
            return _set(add(x, maps, shape, weights(kernel), *given), settings)

        return build

    for dtype in FLOATS:
        for label, settings in _WINDOWS.items():
            if dtype == BF16 and label not in ("plain", "pad"):
                continue
            kernel, bias = values("k", (4, 4, 3, 3), dtype), values("b", (4,), dtype)
            x = values("x", (2, 4, 9, 11), dtype)
            suite.add(kind, f"{label}-{SHORT[dtype]}", body(kernel, bias, 4, settings), [x])
    for label, channels, groups in (("groups", 8, 2), ("depthwise", 8, 8)):
        kernel = values("k", (8, channels // groups, 3, 3))
        settings = {"num_groups": groups, "padding_nd": (1, 1)}
        suite.add(kind, label, body(kernel, values("b", (8,)), 8, settings), [values("x", (1, 8, 7, 6))])
    kernel = values("k", (4, 4, 2, 3, 2))
    suite.add(kind, "3d", body(kernel, values("b", (4,)), 4, {"stride_nd": (1, 2, 1)}), [values("x", (1, 4, 5, 6, 7))])
    kernel = values("k", (4, 4, 1, 1))
    suite.add(kind, "1x1-no-bias", body(kernel, None, 4, {}), [values("x", (2, 4, 5, 6))])
    kernel = values("k", (4, 4, 3, 3))
    dynamic = {0: (0, 2, 3)}
    suite.add(kind, "dynamic", body(kernel, None, 4, {"padding_nd": (1, 1)}), [values("x", (2, 4, 8, 8))], dynamic)

    def of_tensors(n: Any, x: Any, k: Any) -> Any:
        add = n.add_deconvolution_nd if transposed else n.add_convolution_nd
        layer = add(x, 4, (3, 3), trt.Weights())
        layer.set_input(1, k)
        return layer

    suite.add(kind, "kernel-tensor", of_tensors, [values("x", (2, 4, 6, 6)), values("k", (4, 4, 3, 3))])


def _pooling(suite: Suite) -> None:
    def body(kind: str, window: tuple[int, ...], settings: dict[str, Any]) -> Any:
        return lambda n, x: _set(n.add_pooling_nd(x, getattr(trt.PoolingType, kind), window), settings)

    for kind in ("MAX", "AVERAGE", "MAX_AVERAGE_BLEND"):
        extra = {"blend_factor": 0.3} if kind == "MAX_AVERAGE_BLEND" else {}
        for label, settings in _WINDOWS.items():
            if "dilation_nd" in settings:
                continue
            for exclusive in (True, False) if kind != "MAX" else (True,):
                both = {**settings, **extra, "average_count_excludes_padding": exclusive}
                name = f"{kind}-{label}{'' if exclusive else '-inclusive'}"
                suite.add("POOLING", name, body(kind, (3, 3), both), [values("pool", (2, 3, 9, 10))])
        for dtype in (F16, BF16):
            suite.add(
                "POOLING", f"{kind}-{SHORT[dtype]}", body(kind, (3, 2), extra), [values("pool", (2, 3, 9, 10), dtype)]
            )
        nan = values("pool", (1, 2, 6, 6))
        nan[0, 0, 1, 2] = nan[0, 1, 0, 0] = torch.nan
        suite.add("POOLING", f"{kind}-nan", body(kind, (2, 2), extra), [nan])
        whole = values("pool", (2, 4, 8, 8), torch.int8, -128, 128)
        suite.add("POOLING", f"{kind}-i8", body(kind, (2, 2), extra), [whole])
        suite.add("POOLING", f"{kind}-3d", body(kind, (2, 3, 2), extra), [values("pool", (1, 3, 5, 6, 7))])
        dynamic = {0: (0, 3)}
        suite.add("POOLING", f"{kind}-dynamic", body(kind, (2, 2), extra), [values("pool", (2, 3, 8, 8))], dynamic)


def _normalization(suite: Suite) -> None:
    def body(axes: int, groups: int, coefficients: tuple[int, ...], dtype: torch.dtype, second: bool) -> Any:
        scale, bias = values("scale", coefficients, dtype), values("bias", coefficients, dtype)

        def build(n: Any, x: Any) -> Any:
            add = n.add_normalization_v2 if second else n.add_normalization
            layer = add(x, constant(n, scale), constant(n, bias), axes)
            layer.epsilon = 1e-3
            if groups > 1:
                layer.num_groups = groups
            return layer

        return build

    for dtype in FLOATS:
        x = values("norm", (2, 6, 4, 5), dtype)
        for second in (False, True):
            suffix = f"{SHORT[dtype]}{'-v2' if second else ''}"
            last = body(0b1000, 1, (1, 1, 1, 5), dtype, second)
            suite.add("NORMALIZATION", f"layer-{suffix}", last, [x])
            suite.add("NORMALIZATION", f"layer3-{suffix}", body(0b1110, 1, (1, 6, 4, 5), dtype, second), [x])
            suite.add("NORMALIZATION", f"instance-{suffix}", body(0b1100, 1, (1, 6, 1, 1), dtype, second), [x])
            per_group = (1, 6, 1, 1) if second else (1, 3, 1, 1)
            suite.add("NORMALIZATION", f"group-{suffix}", body(0b1100, 3, per_group, dtype, second), [x])
    x = values("norm", (2, 6, 4, 4))
    suite.add("NORMALIZATION", "dynamic", body(0b1000, 1, (1, 1, 1, 4), F32, False), [x], {0: (0, 2)})
