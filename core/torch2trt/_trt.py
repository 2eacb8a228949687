"""The one place in the core that imports TensorRT.

``trt`` is the binding of this process: full ``tensorrt`` when it is importable, else TensorRT for RTX
(``tensorrt_rtx``); ``TORCH2TRT_FLAVOR=tensorrt`` or ``=rtx`` decides otherwise.  With RTX alone the module is also
registered under the name ``tensorrt``, so that ``import tensorrt as trt`` means the same binding in every pack.

Planning needs no TensorRT, but packs name its enums at import.  Where it is missing, or no such flavor is, ``trt``
is therefore a stand-in whose attributes can be named and whose first *use* raises
:class:`~torch2trt.errors.TensorRTNotFoundError`.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from .errors import TensorRTNotFoundError

__all__ = ["FLAVOR", "MODULES", "require", "trt", "version"]

#: the modules that hold each flavor's Python API
MODULES: Final = {"tensorrt": "tensorrt", "rtx": "tensorrt_rtx"}


class _Absent:
    """Stands for a name of TensorRT where TensorRT is not installed."""

    def __init__(self, path: str, why: str) -> None:
        self._path, self._why = path, why

    def __getattr__(self, name: str) -> _Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self._path}.{name}", self._why)

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise TensorRTNotFoundError(f"{self._path} is needed, but {self._why}")

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._path}: {self._why}>"


def _is_binding(module: ModuleType) -> bool:
    # a folder of type stubs named "tensorrt" is importable too, as an empty namespace package
    return hasattr(module, "Builder")


def _load() -> tuple[Any, str | None]:
    """The binding (or its stand-in) and its flavor."""
    wanted = os.environ.get("TORCH2TRT_FLAVOR", "")
    if wanted and wanted not in MODULES:
        # not raised here, where it would be a traceback of an import also for who asks what is wrong
        why = f"TORCH2TRT_FLAVOR={wanted!r} is not a flavor. Set it to one of {', '.join(MODULES)}, or leave it out"
        return _Absent("tensorrt", why), None
    failures = []
    for flavor in (wanted,) if wanted else MODULES:
        name = MODULES[flavor]
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            failures.append(f"{name}: {error}")
            continue
        if not _is_binding(module):
            failures.append(f"{name}: no TensorRT binding (type stubs only)")
            continue
        if flavor == "rtx":
            other = sys.modules.get("tensorrt")
            if other is None or not _is_binding(other):
                sys.modules["tensorrt"] = module
        return module, flavor
    why = (
        f"TensorRT is not installed ({'; '.join(failures)}). "
        "Install TensorRT for RTX with: pip install 'torch2trt-core[rtx]', "
        "or TensorRT with: pip install 'torch2trt-core[tensorrt]'"
    )
    return _Absent("tensorrt", why), None


if TYPE_CHECKING:
    import tensorrt as trt

    FLAVOR: str | None = None
else:
    trt, FLAVOR = _load()


def version() -> str | None:
    """The version of the binding, such as ``"1.6.1.120"``; None where there is none."""
    return trt.__version__ if FLAVOR else None


def require() -> None:
    """Raise :class:`TensorRTNotFoundError` where no TensorRT is installed."""
    if FLAVOR is None:
        trt.Builder(None)  # type: ignore[arg-type]  # the stand-in's own error


def compute_capabilities() -> tuple[str, ...] | None:
    """What an engine can be built for by name, such as ``"8.6"``; none with full TensorRT, None without TensorRT."""
    if FLAVOR is None:
        return None
    members = getattr(trt, "ComputeCapability", None)
    names = [] if members is None else [name for name in members.__members__ if name.removeprefix("SM").isdigit()]
    return tuple(f"{name[2:-1]}.{name[-1]}" for name in names)
