"""What runs a segment: one small protocol, whoever does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch


class Runner(Protocol):
    """Runs one engine segment."""

    @property
    def kind(self) -> str:
        """``"engine"``, ``"reference"``, …: what :attr:`TRTModule.runtime` says."""
        ...

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name, new tensors, of inputs by name that were checked against the signature."""
        ...


class Renamed:
    """A runner whose inputs have other names in the signature.

    Args:
        runner: the runner.
        names: its own names of inputs, by those of the signature.
    """

    def __init__(self, runner: Any, names: Mapping[str, str]) -> None:
        self.kind: str = runner.kind
        self._runner, self._names = runner, dict(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name of inputs by the signature's names."""
        named = {self._names.get(name, name): tensor for name, tensor in tensors.items()}
        outputs: dict[str, torch.Tensor] = self._runner(named)
        return outputs
