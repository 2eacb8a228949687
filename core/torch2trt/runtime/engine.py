"""A serialized engine and what is known of it."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import Any

import torch

from .. import _trt, log
from .._trt import trt
from ..errors import EngineError


@dataclass(frozen=True)
class Engine:
    """A serialized engine with where it comes from."""

    serialized: bytes
    #: ``tensorrt`` or ``rtx``
    flavor: str
    #: TensorRT's version
    version: str
    #: the settings, the packs, those whose plugins it needs, and every call with its converter
    provenance: dict[str, Any] = field(default_factory=dict)
    #: the ``trt.ICudaEngine``, of an engine that was loaded before it came here
    loaded: Any = field(default=None, compare=False, repr=False)

    def serialize(self) -> bytes:
        """The engine's bytes, as ``trt.ICudaEngine.serialize`` gives them; needs no GPU."""
        return self.serialized

    @property
    def plugins(self) -> list[dict[str, str]]:
        """The packs whose TensorRT plugins must be registered before the engine is loaded."""
        packs: list[dict[str, str]] = self.provenance.get("plugins", [])
        return packs

    def __str__(self) -> str:
        """``1.5 MiB of rtx 1.6.1.120, precision torch.float16``."""
        size = len(self.serialized)
        shown = f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"
        precision = self.provenance.get("settings", {}).get("precision")
        return f"{shown} of {self.flavor} {self.version}, precision {precision or 'as in the model'}"

    def to_dict(self) -> dict[str, Any]:
        """What a manifest says of the engine."""
        return {"flavor": self.flavor, "version": self.version, **self.provenance}


def built_elsewhere(**settings: Any) -> dict[str, Any]:
    """The provenance of an engine of which no plan knows, but for some settings."""
    return {"settings": settings, "breaks": [], "packs": [], "plugins": [], "calls": []}


def host() -> dict[str, str]:
    """What a manifest says of the machine that an engine was built on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return {"torch": torch.__version__, "gpu": gpu, "machine": platform.machine()}


def why_not_loadable(flavor: str, version: str) -> str | None:
    """Why an engine of this flavor and version cannot be loaded here, with the cure; None where it can."""
    if _trt.FLAVOR is None:
        return f"it needs TensorRT {version} ({flavor}), and TensorRT is not installed here"
    if flavor != _trt.FLAVOR:
        return (
            f"it was built with the flavor {flavor!r}, this process uses {_trt.FLAVOR!r}; "
            f"set TORCH2TRT_FLAVOR={flavor} where that is installed, or convert again"
        )
    if version != _trt.version():
        return f"it was built with TensorRT {version}, here is {_trt.version()}; install that version or convert again"
    return None


def deserialized(serialized: bytes) -> trt.ICudaEngine:
    """TensorRT's engine; :class:`EngineError` where there is no GPU or TensorRT cannot load it."""
    if not torch.cuda.is_available():
        raise EngineError("an engine needs an NVIDIA GPU, and PyTorch sees none here")
    runtime = trt.Runtime(log.logger())
    with log.record_errors() as messages:
        engine = runtime.deserialize_cuda_engine(serialized)
    if engine is None:
        raise EngineError("TensorRT cannot load the engine:" + log.format_messages(messages))
    return engine
