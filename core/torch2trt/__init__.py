"""torch2trt: PyTorch models as TensorRT engines, with converters from packs.

Names are imported when they are first used, so that a process that only loads and runs an engine never imports the
capture or a converter.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._trt import trt
    from .api import convert, explain
    from .call import Call
    from .classic import (
        ConversionContext,
        add_missing_trt_tensors,
        broadcast_trt_tensors,
        get_arg,
        tensorrt_converter,
        torch2trt,
        torch_dim_to_trt_axes,
        trt_,
    )
    from .context import Context
    from .converters import Converter, converter
    from .errors import (
        BuildError,
        CaptureError,
        ConversionError,
        ConverterConflictWarning,
        EngineError,
        InputError,
        PackError,
        RuntimeNotice,
        TargetError,
        TensorRTNotFoundError,
        Torch2TRTError,
        UnsupportedError,
    )
    from .hookspecs import hookimpl
    from .inputs import Input
    from .packs import Packs
    from .plan import Plan
    from .registry import PackRegistry
    from .runtime import TRTModule, load
    from .settings import Settings
    from .user import CONVERTERS

_HOMES = {
    "_trt": ("trt",),
    "api": ("convert", "explain"),
    "call": ("Call",),
    "classic": (
        "ConversionContext",
        "add_missing_trt_tensors",
        "broadcast_trt_tensors",
        "get_arg",
        "tensorrt_converter",
        "torch2trt",
        "torch_dim_to_trt_axes",
        "trt_",
    ),
    "context": ("Context",),
    "converters": ("Converter", "converter"),
    "errors": (
        "BuildError",
        "CaptureError",
        "ConversionError",
        "ConverterConflictWarning",
        "EngineError",
        "InputError",
        "PackError",
        "RuntimeNotice",
        "TargetError",
        "TensorRTNotFoundError",
        "Torch2TRTError",
        "UnsupportedError",
    ),
    "hookspecs": ("hookimpl",),
    "inputs": ("Input",),
    "packs": ("Packs",),
    "plan": ("Plan",),
    "registry": ("PackRegistry",),
    "runtime": ("TRTModule", "load"),
    "settings": ("Settings",),
    "user": ("CONVERTERS",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib_metadata import version

        return version("torch2trt-core")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'torch2trt' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
