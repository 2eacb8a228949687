"""The kernels that TensorRT for RTX compiles for an engine on a GPU, kept from one process to the next.

An engine of RTX has no kernels: they are compiled when a context is made, at the first calls, and for dynamic sizes
also in the background.  So those that are new are written after the calls whose number is a power of two up to
:data:`_LAST_CALL`, and when the session or the process ends: one that is killed leaves what its first calls brought.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import weakref
from typing import Any, Final

import torch

from .. import _trt, log
from .._trt import trt
from ..cache.entry import Entry
from ..cache.store import Store
from ..errors import EngineError
from ..settings import KernelSpecialization
from .engine import Engine

#: the names that only TensorRT for RTX has, which the stubs do not know
_rtx: Any = trt
_KIND: Final = "kernels"
#: not TensorRT's own default: the kernels that it compiles for a dynamic shape compute some convolutions wrong
#: (docs/performance.md), where general ones are right
_SPECIALIZATION: Final = "none"
_LAST_CALL: Final = 64


class Kernels:
    """The execution contexts of an engine, with the kernels that were compiled for it before.

    Args:
        engine: the ``trt.ICudaEngine``.
        made: what it was deserialized from.
        store: where kernels are kept; None keeps none, as does full TensorRT, whose engines have theirs.
        device: the GPU.
        specialization: when kernels of a dynamic shape of its own are compiled; None is never.
    """

    def __init__(
        self,
        engine: Any,
        made: Engine,
        store: Store | None,
        device: torch.device,
        specialization: KernelSpecialization | None = None,
    ) -> None:
        self._engine, self._device = engine, device
        #: the ``trt.IRuntimeConfig`` of every context
        self.config: Any = engine.create_runtime_config()
        self._calls = 0
        self._kept: _Kept | None = None
        # TensorRT for RTX crashes where two threads make contexts of one engine at a time
        self._lock = threading.Lock()
        config = self.config
        config.set_execution_context_allocation_strategy(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
        chosen = specialization or _SPECIALIZATION
        if strategies := getattr(_rtx, "DynamicShapesKernelSpecializationStrategy", None):
            config.dynamic_shapes_kernel_specialization_strategy = strategies.__members__[chosen.upper()]
        if store is None or not hasattr(config, "create_runtime_cache"):
            return
        about = {**_machine(device), "engine": made.kernels or made.digest, "specialization": chosen}
        kept = _Kept((engine, config), config.create_runtime_cache(), store, about, self._lock)
        if config.set_runtime_cache(kept.cache):
            self._kept = kept
            # runs when the process ends too; what it holds is not the session
            weakref.finalize(self, kept.write)

    def new_context(self, profile: int = 0) -> Any:
        """Another execution context of the engine, without scratch memory: each call brings its own.

        Raises:
            EngineError: TensorRT cannot make one, such as one whose kernels it cannot compile for this GPU.
        """
        with self._lock, log.record_errors() as messages:
            context = self._engine.create_execution_context(self.config)
        if context is None:
            raise EngineError("TensorRT cannot run the engine on this GPU:" + log.format_messages(messages))
        if self._engine.num_optimization_profiles > 1:
            stream = torch.cuda.current_stream(self._device)
            context.set_optimization_profile_async(profile, stream.cuda_stream)
            stream.synchronize()  # a call may be on another stream, and one that is captured runs at any time
        return context

    def ran(self) -> None:
        """Say that a call was queued; writes new kernels now and then, so not while a CUDA graph is captured."""
        if self._kept is None or self._calls >= _LAST_CALL:
            return
        self._calls += 1
        if self._calls & (self._calls - 1) == 0:
            self._kept.write()


class _Kept:
    """A runtime cache of TensorRT and its place on disk; ``lock`` is held by who fills it."""

    def __init__(self, owners: Any, cache: Any, store: Store, about: dict[str, str], lock: threading.Lock) -> None:
        self._owners = owners  # they live as long as it
        self.cache = cache
        self._process = os.getpid()
        self._store = store
        self._about = about
        self._key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        self._lock = lock
        entry = store.get(_KIND, self._key)
        with log.record_errors():  # of kernels that this driver does not take: others are compiled
            self.loaded = entry is not None and bool(cache.deserialize(entry.parts[0]))
            # not what a session that compiled nothing has, which would take the place of another process's kernels
            self._written = hashlib.sha256(self._serialized()).digest()

    def write(self) -> None:
        """Write the kernels where there are others than the file has."""
        if os.getpid() != self._process:  # a fork ends, where CUDA cannot be asked
            return
        with self._lock, log.record_errors():
            blob = self._serialized()
            digest = hashlib.sha256(blob).digest()
            if blob and digest != self._written:
                self._store.put(_KIND, self._key, Entry(self._about, (blob,)))
                self._written = digest

    def _serialized(self) -> bytes:
        memory = self.cache.serialize()
        return b"" if memory is None else bytes(memory)


def _machine(device: torch.device) -> dict[str, str]:
    """What compiled kernels depend on beside the engine; TensorRT checks it all, and more, for itself."""
    properties = torch.cuda.get_device_properties(device)
    return {
        "gpu": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "driver": _driver(),
        "cuda": str(torch.version.cuda),
        "tensorrt": f"{_trt.FLAVOR} {_trt.version()}",
    }


def _driver() -> str:
    """The version of CUDA that the driver has, such as ``13000``."""
    version = getattr(torch._C, "_cuda_getDriverVersion", None)  # builds of PyTorch without CUDA have none
    return str(version()) if version else ""
