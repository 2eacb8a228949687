"""The caches of a converted model as transformers sees them while its engine generates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache

from .layers import FixedLayer, Pair


class EngineCache(Cache):
    """The caches of a converted decoder while it generates; empty at first.

    Args:
        tensors: gives the buffers, which a module keeps: of layers that are alike, with rows in the second dimension.
        room: how many tokens they have room for.
    """

    def __init__(self, tensors: Callable[[], Sequence[torch.Tensor]], room: int) -> None:
        #: one for all, in which the same is written
        self._all = _EngineLayers(tensors, room)
        super().__init__(layers=[self._all])
        #: how many texts there are
        self.rows = 0

    def grow(self, rows: int, tokens: int) -> None:
        """Note what an engine has written."""
        self.rows = rows
        self._all.length += tokens


class _EngineLayers(FixedLayer):
    def __init__(self, tensors: Callable[[], Sequence[torch.Tensor]], room: int) -> None:
        super().__init__(room)
        self.tensors, self.length = tensors, 0

    def update(self, *_: Any, **__: Any) -> Pair:
        """The engine writes its caches itself."""
        raise NotImplementedError

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Let each row go on from the row of ``beam_idx``."""
        for tensor in self.tensors():
            tensor[:, : len(beam_idx)] = tensor.index_select(1, beam_idx.to(tensor.device))
