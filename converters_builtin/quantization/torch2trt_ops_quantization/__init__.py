"""Converters of quantized models, and a function that quantizes models."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch2trt import PackRegistry, hookimpl

from . import rules


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[torch._ops.OpOverload, Callable[..., Any]]) -> None:
    """Compute quantized operators that no layer has by PyTorch's own arithmetic."""
    table.update(rules.rules())


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    families = ["fake_quantization", "operators", "products"]
    if rules.operators() is not None:
        families.append("decomposed")
    registry.add(*(importlib.import_module(f"{__name__}.{family}") for family in families))


@hookimpl(trylast=True)
def torch2trt_transform_graph(graph_module: torch.fx.GraphModule) -> None:
    """Let the engine dequantize weights that are made of smaller constants."""
    from .constants import keep_small

    keep_small(graph_module)
