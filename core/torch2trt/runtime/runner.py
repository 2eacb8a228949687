"""What runs a segment: one small protocol, whoever does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

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
