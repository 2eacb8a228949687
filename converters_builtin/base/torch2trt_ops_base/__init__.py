"""Converters of PyTorch's basic operators."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch2trt import PackRegistry, Settings, hookimpl

from . import quantized_rules
from .fusions import separate
from .small_integers import widen

_FAMILIES = (
    *("activation", "arithmetic", "bitwise", "bounds", "compare", "division", "formulas", "power", "rounding", "unary"),
    *("cumulative", "reduce", "softmax", "sort", "statistics", "distance", "matmul"),
    *("views", "slicing", "windows", "joining", "padding", "strided", "copy", "creation", "sizes"),
    *("indexing", "index_put", "masks", "scatter", "search", "bags"),
    *("random_numbers", "random_choices", "fake_quantization", "declined"),
)


#: what PyTorch decomposes by default only since a later version than the oldest that is supported
_DECOMPOSED = (torch.ops.aten.linalg_vector_norm.default,)


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[torch._ops.OpOverload, Callable[..., Any]]) -> None:
    """Decompose the same operators with every version of PyTorch."""
    rules: dict[Any, Callable[..., Any]] = torch._decomp.get_decompositions(_DECOMPOSED)
    for overload, rule in rules.items():
        table.setdefault(overload, rule)
    table.update(quantized_rules.rules())


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    # not before: they need TensorRT
    families = _FAMILIES if quantized_rules.operators() is None else (*_FAMILIES, "quantization")
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in families))


@hookimpl(trylast=True)
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule, settings: Settings) -> None:
    """Let networks compute small integers in int32, and keep TensorRT from what it fuses wrongly."""
    widen(graph_module)
    separate(graph_module)
