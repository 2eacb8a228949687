"""An example of a third party's pack: it overrides one built-in converter and converts an operator of its own.

Installing the distribution is all that it takes: its hook has the normal rank, the built-in packs' are ``trylast``.
"""

from __future__ import annotations

from torch2trt import PackRegistry, hookimpl

from .operators import scaled_tanh

__all__ = ["scaled_tanh"]


@hookimpl
def torch2trt_register_converters(registry: PackRegistry) -> None:
    """Add this pack's converters."""
    from . import converters

    registry.add(converters)
