"""Converters of vision operators."""

from __future__ import annotations

import importlib
import importlib.util

from torch2trt import PackRegistry, hookimpl

_FAMILIES = (
    *("convolution", "transposed", "norm", "pooling", "adaptive", "fractional", "padding", "fold"),
    *("resize", "antialias", "sampling"),
)
#: those of torchvision's operators
_OF_TORCHVISION = ("boxes", "deform", "detectors", "regions")


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack; those of torchvision's operators where torchvision is installed."""
    families = (*_FAMILIES, *(_OF_TORCHVISION if importlib.util.find_spec("torchvision") is not None else ()))
    # not before: they need TensorRT
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in families))
