"""Running a TensorRT network on the reference interpreter, where no engine can run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch

from .._trt import trt


class ReferenceRunner:
    """A network on the reference interpreter, which is prepared at the first call.

    Args:
        network: the network.
        owner: what must live as long as the network: its builder and the memory of its constants.
    """

    kind = "reference"

    def __init__(self, network: trt.INetworkDefinition, owner: Any = None) -> None:
        self.network = network
        self.owner = owner

    @functools.cached_property
    def _interpreter(self) -> Any:
        from ..reference import Interpreter

        return Interpreter(self.network)

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Evaluate the network."""
        outputs: dict[str, torch.Tensor] = self._interpreter(tensors)
        return outputs
