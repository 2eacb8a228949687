"""Converters of PyTorch's basic operators."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch2trt import PackRegistry, Settings, hookimpl

from .complex_numbers import take_apart
from .decompositions import add_rules
from .doubles import narrow
from .fusions import separate
from .masked import without_selecting
from .small_integers import widen
from .unchecked import use_unchecked

_FAMILIES = (
    *("activation", "arithmetic", "bitwise", "bounds", "compare", "division", "formulas", "power", "rounding", "unary"),
    "divisors",
    *("cumulative", "reduce", "softmax", "sort", "medians", "quantiles", "statistics", "distance", "matmul"),
    *("determinants", "factors", "solving"),
    *("views", "slicing", "windows", "joining", "padding", "strided", "copy", "creation", "sizes"),
    *("indexing", "index_put", "masks", "scatter", "search", "bags", "histogram"),
    *("conditional", "loops"),
    *("random_numbers", "random_choices", "declined"),
)


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[torch._ops.OpOverload, Callable[..., Any]]) -> None:
    """Decompose the same operators with every version of PyTorch, and without checks that an engine cannot make."""
    add_rules(table)
    use_unchecked(table)


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    # not before: they need TensorRT
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in _FAMILIES))


@hookimpl(trylast=True)
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule, settings: Settings) -> None:
    """Need no selected rows, compute with pairs of real numbers, int32 and float32, without what is fused wrongly."""
    without_selecting(graph_module)
    take_apart(graph_module)
    widen(graph_module)
    if settings.float64 == "float32":
        narrow(graph_module)
    separate(graph_module)
