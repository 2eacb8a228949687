"""Converters of quantized models, and a function that quantizes models."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch2trt import PackRegistry, hookimpl

from . import modelopt, rules
from .calibration import quantize as quantize
from .costs import LayerCost as LayerCost
from .costs import layer_costs as layer_costs
from .modules import LAYERS as LAYERS
from .modules import Quantized as Quantized
from .modules import channel_axis as channel_axis
from .modules import with_quantized as with_quantized


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[Any, Callable[..., Any]]) -> None:
    """Compute what no layer has by PyTorch's own arithmetic, and trace what quantizers of modelopt mean."""
    table.update(rules.rules() | modelopt.rules())


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
