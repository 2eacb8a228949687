"""The parameters and buffers that a graph was converted with, and whether they are still the same."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch

#: which tensors they are
Key = tuple[int, ...]


def key_of(tensors: Sequence[torch.Tensor]) -> Key:
    """Stands for these tensors for as long as they live."""
    return tuple(map(id, tensors))


class Weights:
    """What has been written into some tensors, as PyTorch counts it, and where they are.

    What is written through ``.data`` is not counted.

    Args:
        tensors: the tensors, which are not kept alive.
        gone: called when one of them is no more.
    """

    def __init__(self, tensors: Sequence[torch.Tensor], gone: Callable[[Any], object]) -> None:
        self._references = [weakref.ref(tensor, gone) for tensor in tensors]
        self._before = _now(tensors)
        #: the addresses of their memory
        self.storages = {tensor.untyped_storage().data_ptr() for tensor in tensors}

    def are(self, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether nothing was written into the same tensors since."""
        return _now(tensors) == self._before


def _now(tensors: Sequence[torch.Tensor]) -> list[tuple[int, int]]:
    return [(tensor._version, tensor.data_ptr()) for tensor in tensors]
