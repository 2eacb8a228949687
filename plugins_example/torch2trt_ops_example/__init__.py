"""A model for packs: an operator with kernels of its own, a plugin written by hand, and a better built-in converter.

Installing the distribution is all that it takes: its hooks have the normal rank, the built-in packs' are ``trylast``.
"""

from __future__ import annotations

from torch2trt import PackRegistry, hookimpl, trt

from .operators import clamped_swiglu, scaled_tanh

__all__ = ["clamped_swiglu", "scaled_tanh"]


@hookimpl
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add this pack's converters."""
    from . import converters

    # a marked operator is a converter of itself
    registry.add(clamped_swiglu, converters)


@hookimpl
def torch2trt_register_plugins(plugin_registry: trt.IPluginRegistry) -> None:
    """Register the creator of the plugin that is written by hand."""
    # its classes cannot be defined where there is no TensorRT
    from .scaled_tanh_plugin import creator

    plugin_registry.register_creator(creator, creator.plugin_namespace)
