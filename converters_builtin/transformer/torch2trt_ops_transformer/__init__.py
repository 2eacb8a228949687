"""Converters of transformer and recurrent operators."""

from __future__ import annotations

from torch2trt import PackRegistry, hookimpl


@hookimpl(trylast=True)
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add all converters of this pack."""
    from . import attention, fused_attention, norm, recurrent

    registry.add(attention, fused_attention, norm, recurrent)
