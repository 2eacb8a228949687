"""What one layer keeps, as transformers sees it while a model is traced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Protocol

import torch
from transformers import cache_utils
from transformers.cache_utils import CacheLayerMixin

#: keys and values of one layer
Pair = tuple[torch.Tensor, torch.Tensor]
#: a layer with states of a fixed size, such as Mamba's; transformers 5.3 has none
STATES: Final[Any] = getattr(cache_utils, "LinearAttentionLayer", None)


class Traced(Protocol):
    """The cache of one layer, in tensors with rows in the first dimension, which it leaves as they are."""

    #: what the tensors are, in order
    names: ClassVar[tuple[str, ...]]

    def __init__(self, tensors: Sequence[torch.Tensor], start: torch.Tensor, rows: Any) -> None:
        """Begin a call with ``rows`` texts that have ``start`` tokens."""

    def new(self) -> list[torch.Tensor]:
        """The tensors after the call."""


class FixedLayer(CacheLayerMixin):
    """Keys and values in a fixed room, of whose tokens the first are written."""

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


class KeysValues(FixedLayer):
    """Keys and values of all tokens so far; each call writes its own behind those of before.

    A layer with a sliding window has room for all tokens too: its mask leaves out what it no longer sees.
    """

    names: ClassVar[tuple[str, ...]] = ("keys", "values")

    def __init__(self, tensors: Sequence[torch.Tensor], start: torch.Tensor, rows: Any) -> None:
        super().__init__(tensors[0].shape[2])
        self.tensors, self.length = list(tensors), start

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Pair:
        """Put the tokens of a call behind those of before; gives all, and what is not written yet."""
        batch, heads, tokens = key_states.shape[:3]
        rows, head, token = (torch.arange(size, device=key_states.device) for size in (batch, heads, tokens))
        places = (rows[:, None, None], head[:, None], token + self.length)
        pairs = zip(self.tensors, (key_states, value_states), strict=True)
        self.tensors = [tensor.index_put(places, states.to(tensor.dtype)) for tensor, states in pairs]
        keys, values = (tensor.narrow(0, 0, batch).to(key_states.dtype) for tensor in self.tensors)
        return keys, values

    def new(self) -> list[torch.Tensor]:
        """Keys and values with those of the call."""
        return self.tensors


class States(STATES or object):  # type: ignore[misc]  # no class that mypy could know
    """The states of a recurrent layer, which a call of one token replaces.  The model writes into copies of them."""

    names: ClassVar[tuple[str, ...]] = ("convolution", "recurrence")

    def __init__(self, tensors: Sequence[torch.Tensor], start: torch.Tensor, rows: Any) -> None:
        super().__init__()
        self.tensors = tensors
        self.conv_states[0], self.recurrent_states[0] = (tensor.narrow(0, 0, rows).clone() for tensor in tensors)
        for known in (self.is_conv_states_initialized, self.is_recurrent_states_initialized, self.has_previous_state):
            known[0] = True

    def new(self) -> list[torch.Tensor]:
        """The states after the token."""
        made = []
        for tensor, state in zip(self.tensors, (self.conv_states[0], self.recurrent_states[0]), strict=True):
            rows = torch.arange(state.shape[0], device=state.device)
            made.append(tensor.index_put((rows,), state))
        return made


class Recorded(CacheLayerMixin):
    """Keys and values of one call, which is the first, to be read afterwards."""

    def lazy_initialization(self, *_: Any) -> None:
        """Nothing."""

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Pair:
        """Keep them."""
        self.keys, self.values = key_states, value_states
        return key_states, value_states

    def pair(self) -> Pair:
        """What was kept."""
        assert self.keys is not None
        assert self.values is not None
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """None before this call."""
        return 0

    def get_mask_sizes(self, query_length: Any) -> tuple[Any, int]:
        """Attention sees the tokens of this call, of which early transformers 5 gives the places."""
        return query_length.shape[0] if isinstance(query_length, torch.Tensor) else query_length, 0

    def get_max_length(self) -> int:
        """No maximum."""
        return -1

    get_max_cache_shape = get_max_length


class Given(Recorded):
    """Keys and values of a text that an encoder has read, as inputs."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values

    def get_seq_length(self) -> int:
        """There are some, as transformers asks."""
        return 1
