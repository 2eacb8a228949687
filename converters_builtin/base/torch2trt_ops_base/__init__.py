"""Converters of PyTorch's basic operators."""

from __future__ import annotations

import importlib

from torch2trt import PackRegistry, hookimpl

_FAMILIES = (
    *("activation", "arithmetic", "bitwise", "bounds", "compare", "division", "formulas", "power", "rounding", "unary"),
    *("cumulative", "reduce", "softmax", "sort", "statistics", "distance", "matmul"),
    *("views", "slicing", "windows", "joining", "padding", "strided", "copy", "creation", "sizes"),
    *("indexing", "index_put", "masks", "scatter", "search", "bags"),
    "declined",
)


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    # not before: they need TensorRT
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in _FAMILIES))
