"""Converters of transformer and recurrent operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch2trt import PackRegistry, hookimpl


@hookimpl(trylast=True)
def torch2trt_decompositions(table: dict[Any, Callable[..., Any]]) -> None:
    """Trace packed sequences as rows that a mask selects, and fused encoder layers as their steps."""
    from . import encoder_layer, packed

    table.update(packed.rules() | encoder_layer.rules())


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    from . import attention, fused_attention, norm, padded, recurrent

    registry.add(attention, fused_attention, norm, padded, recurrent)
