"""Running a TensorRT network on the reference interpreter, where no engine can run."""

from __future__ import annotations

import functools
import threading
import weakref
import zlib
from collections.abc import Mapping
from typing import Any, Protocol

import torch

from .._trt import trt
from ..errors import EngineError


class Memory(Protocol):
    """What the weights of a network point to; keeps it alive."""

    #: the tensors that are nobody else's, by address
    made: dict[int, torch.Tensor]


class ReferenceRunner:
    """A network on the reference interpreter, which is prepared at the first call.

    What it computes never follows the model.  Weights that are the model's memory are copied at once, or, where an
    engine is expected to run, only when the interpreter has to step in after all.

    Args:
        network: the network.
        builder: lives as long as the network.
        memory: what the weights point to.
        copy: whether they are copied now.
    """

    kind = "reference"

    def __init__(self, network: trt.INetworkDefinition, builder: object, memory: Memory, *, copy: bool = True) -> None:
        self._network, self._builder = network, builder
        #: until the network has weights of its own
        self._memory: Memory | None = memory
        self._checksums = [] if copy else self._sum(memory)
        self._lock = threading.Lock()
        if copy:
            self._copy(memory)

    @property
    def network(self) -> trt.INetworkDefinition:
        """The network, with weights of its own; :class:`EngineError` where the model's were changed before."""
        with self._lock:
            if self._memory is not None:
                self._check(self._memory)
                self._copy(self._memory)
        return self._network

    def _copy(self, memory: Memory) -> None:
        from ..reference import weights

        own = [*memory.made.values(), *weights.copied(self._network, memory.made)]
        # somebody may keep the network and not this
        weakref.finalize(self._network, lambda *kept: None, self._builder, own).atexit = False
        self._memory = None

    def _check(self, memory: Memory) -> None:
        pairs = zip(self._checksums, self._sum(memory), strict=True)
        if changed := [layer for (layer, before), (_, now) in pairs if before != now]:
            raise EngineError(
                f"the model's weights were changed after the conversion ({', '.join(changed[:5])}), and only the "
                "engine, which does not run here, has those of then; convert again, with runtime='reference' for a "
                "module that is interpreted"
            )

    def _sum(self, memory: Memory) -> list[tuple[str, int]]:
        """Layer and checksum of all weights that are the model's."""
        from ..reference import weights

        return [
            (layer.name, zlib.crc32(data.numpy().data)) for layer, data in weights.shared(self._network, memory.made)
        ]

    @functools.cached_property
    def _interpreter(self) -> Any:
        from ..reference import Interpreter

        return Interpreter(self.network)

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Evaluate the network."""
        outputs: dict[str, torch.Tensor] = self._interpreter(tensors)
        return outputs
