"""A serialized engine and what is known of it."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from .. import _trt, log
from .._trt import trt
from ..errors import EngineError
from ..program.leaves import Ranges
from ..settings import Settings

if TYPE_CHECKING:
    from ..packs.loading import Packs


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
    #: the digest of the engine whose kernels it has, where it is that one with other weights
    kernels: str = field(default="", compare=False, repr=False)

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of its bytes."""
        return hashlib.sha256(self.serialized).hexdigest()

    def serialize(self) -> bytes:
        """The engine's bytes, as ``trt.ICudaEngine.serialize`` gives them; needs no GPU."""
        return self.serialized

    @property
    def plugins(self) -> list[dict[str, str]]:
        """The packs whose TensorRT plugins must be registered before the engine is loaded."""
        packs: list[dict[str, str]] = self.provenance.get("plugins", [])
        return packs

    def setting(self, name: str) -> Any:
        """What the conversion was given for a setting; None where it is not known."""
        return self.provenance.get("settings", {}).get(name)

    def __str__(self) -> str:
        """``1.5 MiB of rtx 1.6.1.120, precision torch.float16``."""
        size = len(self.serialized)
        shown = f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.1f} KiB"
        precision = self.setting("precision")
        return f"{shown} of {self.flavor} {self.version}, precision {precision or 'as in the model'}"

    def to_dict(self) -> dict[str, Any]:
        """What a manifest says of the engine."""
        own = {"flavor": self.flavor, "version": self.version, "sha256": self.digest, "bytes": len(self.serialized)}
        return {**own, **self.provenance}


def engine_of(described: Mapping[str, Any], serialized: bytes, where: str, packs: Packs | None) -> Engine:
    """The engine that a manifest that was checked describes, with the plugins that it needs registered.

    Args:
        described: what :meth:`Engine.to_dict` gave.
        serialized: the engine.
        where: what both were read from, for errors.
        packs: where the plugins come from; by default the installed packs, which are imported only for an engine that
            needs plugins.

    Raises:
        EngineError: the two do not fit together, or the engine cannot be loaded here.
    """
    rest = dict(described)
    flavor, version, size, digest = (rest.pop(name) for name in ("flavor", "version", "bytes", "sha256"))
    made = Engine(serialized, flavor, version, rest)
    if len(serialized) != size or made.digest != digest:
        raise EngineError(f"the engine in {where} is damaged: its checksum differs from the manifest's; save it again")
    if reason := why_not_loadable(flavor, version):
        raise EngineError(f"the engine in {where} cannot be loaded: {reason}")
    budget, strategy = made.setting("weight_streaming"), made.setting("kernel_specialization")
    try:  # what a call depends on
        Settings(weight_streaming=budget, kernel_specialization=strategy)
    except (ValueError, TypeError) as error:
        raise EngineError(f"the manifest of {where} is damaged or was edited: {error}") from error
    if made.plugins:
        # a process that only runs engines needs no pack otherwise
        from ..packs.loading import installed
        from ..packs.plugins import require_plugins

        require_plugins(made.plugins, packs or installed(), where)
    return made


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


def ranges_in_profiles(engine: trt.ICudaEngine, name: str) -> list[Ranges]:
    """``(min, opt, max)`` of the sizes of an input in each profile of a loaded engine."""
    shape = tuple(engine.get_tensor_shape(name))
    ranges = []
    for profile in range(max(engine.num_optimization_profiles, 1)):
        # static inputs have a profile too, but not in every version
        shapes: Any = engine.get_tensor_profile_shape(name, profile) if -1 in shape else [shape] * 3
        ranges.append(tuple(zip(*map(tuple, shapes), strict=True)))
    return ranges
