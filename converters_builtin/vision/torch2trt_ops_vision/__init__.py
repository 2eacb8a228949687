"""Converters of vision operators."""

from __future__ import annotations

import importlib.util

from torch2trt import PackRegistry, hookimpl


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack; those of torchvision's operators where torchvision is installed."""
    from . import adaptive, antialias, convolution, fold, norm, padding, pooling, resize, sampling, transposed

    registry.add(adaptive, antialias, convolution, fold, norm, padding, pooling, resize, sampling, transposed)
    if importlib.util.find_spec("torchvision") is not None:
        from . import boxes, deform, regions

        registry.add(boxes, deform, regions)
