"""The part of a decoder that becomes an engine: one call of the model, with caches that are its buffers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache

from .caches import Pair, TracedLayer


class Decoder(torch.nn.Module):
    """A model of transformers with its caches as buffers; the logits of the last token are its result.

    Args:
        model: the model, in eval mode.
        pairs: the keys and values of each layer, ``[batch, heads, length, size]``.
    """

    def __init__(self, model: PreTrainedModel, pairs: Sequence[Pair]) -> None:
        super().__init__()
        self.training = False  # not .eval(), which would reach into the model
        self.model, self.names = model, [(f"keys_{index}", f"values_{index}") for index in range(len(pairs))]
        for names, pair in zip(self.names, pairs, strict=True):
            for name, tensor in zip(names, pair, strict=True):
                # no state dict is the better for the tokens of the last text
                self.register_buffer(name, tensor, persistent=False)
        parameters = inspect.signature(model.forward).parameters
        self.cache_name = "cache" if "cache" in parameters else "past_key_values"
        self.takes_positions = "position_ids" in parameters
        # early transformers 5 gives models the places in the cache, which they would otherwise read on the host
        self._takes_places = "cache_position" in parameters

    def pairs(self) -> list[Pair]:
        """The keys and values of each layer."""
        return [(self.get_buffer(keys), self.get_buffer(values)) for keys, values in self.names]

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: torch.Tensor, start: torch.Tensor
    ) -> torch.Tensor:
        """One step of generation, of a prompt or of one token.

        Args:
            input_ids: ``[batch, tokens]``.
            attention_mask: ``[batch, length]``, 1 for tokens, 0 for padding and for what is still to come.
            position_ids: ``[batch, tokens]``.
            start: ``[1]``, how many tokens are in the caches.
        """
        cache = Cache(layers=[*(TracedLayer(pair, start[0]) for pair in self.pairs())])
        given: dict[str, Any] = {self.cache_name: cache, "use_cache": True, "logits_to_keep": 1, "return_dict": True}
        if self.takes_positions:
            given["position_ids"] = position_ids
        if self._takes_places:
            given["cache_position"] = torch.arange(input_ids.shape[1], device=start.device) + start[0]
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask, **given).logits
        return logits
