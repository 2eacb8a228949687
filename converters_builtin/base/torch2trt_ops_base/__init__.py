"""Converters of PyTorch's basic operators."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch2trt import PackRegistry, Settings, hookimpl

from .decompositions import add_rules
from .fusions import separate
from .small_integers import widen

_FAMILIES = (
    *("activation", "arithmetic", "bitwise", "bounds", "compare", "division", "formulas", "power", "rounding", "unary"),
    *("cumulative", "reduce", "softmax", "sort", "statistics", "distance", "matmul"),
    *("views", "slicing", "windows", "joining", "padding", "strided", "copy", "creation", "sizes"),
    *("indexing", "index_put", "masks", "scatter", "search", "bags", "histogram"),
    "declined",
)


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[torch._ops.OpOverload, Callable[..., Any]]) -> None:
    """Decompose the same operators with every version of PyTorch, and some that it leaves whole."""
    add_rules(table)


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    # not before: they need TensorRT
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in _FAMILIES))


@hookimpl(trylast=True)
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule, settings: Settings) -> None:
    """Let networks compute small integers in int32, and keep TensorRT from what it fuses wrongly."""
    widen(graph_module)
    separate(graph_module)
