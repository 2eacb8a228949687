"""Converters of PyTorch's basic operators."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch2trt import PackRegistry, Settings, hookimpl

from .complex_numbers import take_apart
from .fusions import separate
from .small_integers import widen

_FAMILIES = (
    *("activation", "arithmetic", "bitwise", "bounds", "compare", "division", "formulas", "power", "rounding", "unary"),
    *("cumulative", "reduce", "softmax", "sort", "statistics", "distance", "matmul"),
    *("views", "slicing", "windows", "joining", "padding", "strided", "copy", "creation", "sizes"),
    *("indexing", "index_put", "masks", "scatter", "search", "bags"),
    "declined",
)


#: what PyTorch decomposes by default only since a later version than the oldest that is supported
_DECOMPOSED = (torch.ops.aten.linalg_vector_norm.default,)


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[torch._ops.OpOverload, Callable[..., Any]]) -> None:
    """Decompose the same operators with every version of PyTorch."""
    rules: dict[Any, Callable[..., Any]] = torch._decomp.get_decompositions(_DECOMPOSED)
    for overload, rule in rules.items():
        table.setdefault(overload, rule)


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    # not before: they need TensorRT
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in _FAMILIES))


@hookimpl(trylast=True)
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule, settings: Settings) -> None:
    """Let networks compute with pairs of real numbers and with int32; keep TensorRT from what it fuses wrongly."""
    take_apart(graph_module)
    widen(graph_module)
    separate(graph_module)
