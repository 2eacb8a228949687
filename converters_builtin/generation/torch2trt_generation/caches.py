"""Caches of keys and values as transformers sees them: while a model is traced, and while its engine generates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

#: keys and values of one layer
Pair = tuple[torch.Tensor, torch.Tensor]


class _Layer(CacheLayerMixin):
    """What both have in common: a fixed room, of whose tokens the first are written."""

    #: how many tokens there are: a number, or while tracing a tensor that positions are made of
    length: Any

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def lazy_initialization(self, *_: Any) -> None:
        """Nothing: the tensors are there."""

    def get_seq_length(self) -> Any:
        """How many tokens there are."""
        return self.length

    def get_mask_sizes(self, *_: Any) -> tuple[int, int]:
        """How many keys attention sees, and the place of the first: all there is room for, masked by the model."""
        return self.room, 0

    def get_max_length(self) -> int:
        """How many tokens there is room for."""
        return self.room

    get_max_cache_shape = get_max_length  # its name in transformers 4


class TracedLayer(_Layer):
    """The cache of one layer while the model is traced: it writes into buffers of the module.

    A layer with a sliding window has room for all tokens too: its mask leaves out what it no longer sees.

    Args:
        pair: the buffers, ``[batch, heads, length, size]``.
        start: how many tokens there are.
    """

    def __init__(self, pair: Pair, start: torch.Tensor) -> None:
        super().__init__(pair[0].shape[2])
        self.pair, self.length = pair, start

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Pair:
        """Write the tokens of a call behind those of before; gives all, and what is not written yet."""
        batch, heads, tokens = key_states.shape[:3]
        rows, head, token = (torch.arange(size, device=key_states.device) for size in (batch, heads, tokens))
        # indices of the buffer itself: the capture traces writes through a view a second time
        places = (rows[:, None, None], head[:, None], token + self.length)
        for buffer, states in zip(self.pair, (key_states, value_states), strict=True):
            buffer.index_put_(places, states.to(buffer.dtype))
        keys, values = (buffer[:batch].to(key_states.dtype) for buffer in self.pair)
        return keys, values


class EngineCache(Cache):
    """The caches of a converted decoder while it generates; empty at first.

    Args:
        tensors: gives the buffers of all layers, which a module keeps.
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


class _EngineLayers(_Layer):
    def __init__(self, tensors: Callable[[], Sequence[torch.Tensor]], room: int) -> None:
        super().__init__(room)
        self.tensors, self.length = tensors, 0

    def update(self, *_: Any, **__: Any) -> Pair:
        """The engine writes its caches itself."""
        raise NotImplementedError

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Let each row go on from the row of ``beam_idx``."""
        for tensor in self.tensors():
            tensor[: len(beam_idx)] = tensor.index_select(0, beam_idx.to(tensor.device))
