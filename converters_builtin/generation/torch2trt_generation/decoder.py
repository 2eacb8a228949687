"""The parts of a model that become engines: one call of a decoder, with caches that are its buffers, and an encoder."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, EncoderDecoderCache

from .layers import Given, Recorded, Traced

#: of each layer, what it keeps and in which buffers
Kept = Sequence[tuple[type[Traced], Sequence[torch.Tensor]]]


class Decoder(torch.nn.Module):
    """A model of transformers with its caches as buffers; the logits of the last token are its result.

    What is alike in all layers is one buffer: each takes the host some time at every call, and the GPU copies.

    Args:
        model: the model, in eval mode.
        kept: what each layer keeps, with rows in the first dimension.
    """

    #: what the arguments of the model begin with
    prefix = ""

    def __init__(self, model: PreTrainedModel, kept: Kept) -> None:
        super().__init__()
        self.training = False  # not .eval(), which would reach into the model
        self.model, self.kinds = model, [kind for kind, _ in kept]
        alike: dict[tuple[torch.Size, torch.dtype], list[tuple[int, int]]] = {}
        for layer, (_, tensors) in enumerate(kept):
            for index, tensor in enumerate(tensors):
                alike.setdefault((tensor.shape, tensor.dtype), []).append((layer, index))
        #: of each buffer, whose tensors it has: the layer, and which of its own
        self.places = {f"caches_{count}": places for count, places in enumerate(alike.values())}
        for (name, places), (shape, dtype) in zip(self.places.items(), alike, strict=True):
            buffer = torch.zeros(len(places), *shape, dtype=dtype, device=model.device)
            # no state dict is the better for the tokens of the last text
            self.register_buffer(name, buffer, persistent=False)
        parameters = inspect.signature(model.forward).parameters
        self.cache_name = cache_name(model)
        self._takes_positions = f"{self.prefix}position_ids" in parameters
        # early transformers 5 gives models the places in the cache, which they would otherwise read on the host
        self._takes_places = "cache_position" in parameters

    @property
    def is_recurrent(self) -> bool:
        """Whether a layer keeps states, which a call of one token replaces."""
        return any(kind.names != ("keys", "values") for kind in self.kinds)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, position_ids: torch.Tensor, start: torch.Tensor
    ) -> torch.Tensor:
        """One step of generation, of a prompt or of one token.

        Args:
            input_ids: ``[batch, tokens]``; one token where a layer keeps states.
            attention_mask: ``[batch, length]``, 1 for tokens, 0 for padding and for what is still to come.
            position_ids: ``[batch, tokens]``.
            start: ``[1]``, how many tokens are in the caches.
        """
        layers = self._layers(input_ids, start)
        # states see the token alone, whose padding is to leave them as they are
        mask = attention_mask.index_select(1, start) if self.is_recurrent else attention_mask
        given = self._given(input_ids, mask, position_ids)
        logits = self._logits(given, Cache(layers=[*layers]), start, logits_to_keep=1)
        self._write(layers)
        return logits

    def whole(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, /, **more: Any) -> torch.Tensor:
        """The logits after a text that is read at once, without caches, by the model as it is."""
        given = self._given(ids, mask, positions)
        logits: torch.Tensor = self.model(**given, **more, use_cache=False, return_dict=True).logits
        return logits[:, -1:]

    def _layers(self, input_ids: torch.Tensor, start: torch.Tensor) -> list[Any]:
        """What each layer keeps, at the beginning of a call."""
        known = {
            place: tensor
            for name, places in self.places.items()
            for place, tensor in zip(places, self.get_buffer(name).unbind(), strict=True)
        }
        return [
            kind([known[layer, index] for index in range(len(kind.names))], start[0], input_ids.shape[0])
            for layer, kind in enumerate(self.kinds)
        ]

    def _write(self, layers: Sequence[Traced]) -> None:
        """Keep it, at the end."""
        made = [layer.new() for layer in layers]
        for name, places in self.places.items():
            self.get_buffer(name).copy_(torch.stack([made[layer][index] for layer, index in places]))

    def _given(self, input_ids: torch.Tensor, mask: torch.Tensor, position_ids: torch.Tensor) -> dict[str, Any]:
        given = {f"{self.prefix}input_ids": input_ids, f"{self.prefix}attention_mask": mask}
        return {**given, f"{self.prefix}position_ids": position_ids} if self._takes_positions else given

    def _logits(self, given: dict[str, Any], cache: Cache, start: torch.Tensor, **more: Any) -> torch.Tensor:
        if self._takes_places:
            tokens = given[f"{self.prefix}input_ids"].shape[1]
            given = {**given, "cache_position": torch.arange(tokens, device=start.device) + start[0]}
        arguments = {**given, self.cache_name: cache, "use_cache": True, "return_dict": True, **more}
        logits: torch.Tensor = self.model(**arguments).logits
        return logits


class CrossDecoder(Decoder):
    """The decoder of a model that has an encoder too, of which it is given the keys and values.

    Args:
        model: the model, in eval mode.
        kept: what each layer keeps, with rows in the first dimension.
        is_masked: whether what the encoder read may have padding.
    """

    prefix = "decoder_"

    def __init__(self, model: PreTrainedModel, kept: Kept, is_masked: bool) -> None:
        super().__init__(model, kept)
        self.is_masked = is_masked

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        start: torch.Tensor,
        *read: torch.Tensor,
    ) -> torch.Tensor:
        """One step of generation.

        Args:
            input_ids, attention_mask, position_ids, start: those of :class:`Decoder`, of the text that is generated.
            read: the mask of what the encoder read, if it may have padding, and what :class:`Encoder` gives behind the
                first: keys and values of each layer.
        """
        mask, cross = (read[0], read[1:]) if self.is_masked else (None, read)
        dtype = self.model.dtype
        layers = self._layers(input_ids, start)
        known = [Given(cross[at].to(dtype), cross[at + 1].to(dtype)) for at in range(0, len(cross), 2)]
        cache = EncoderDecoderCache(Cache(layers=[*layers]), Cache(layers=[*known]))
        # only its sizes are seen: what is computed of it is given
        hidden = torch.zeros(1, 1, 1, dtype=dtype, device=start.device).expand(cross[0].shape[0], cross[0].shape[2], 1)
        given = self._given(input_ids, attention_mask, position_ids)
        logits = self._logits({**given, "encoder_outputs": (hidden,), "attention_mask": mask}, cache, start)
        self._write(layers)
        return logits[:, -1:]


class Encoder(torch.nn.Module):
    """An encoder, with the keys and values that the decoder's layers make of what it gives.

    Args:
        model: the model, in eval mode.
        layers: how many the decoder has.
        dtype: of keys and values.
    """

    def __init__(self, model: PreTrainedModel, layers: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.training = False  # not .eval(), which would reach into the model
        self.model, self.layers, self.dtype = model, layers, dtype
        self.cache_name = cache_name(model)

    def forward(self, source: torch.Tensor, source_mask: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
        """What a decoder reads of a text, or of sound.

        Args:
            source: ``[batch, source]`` tokens, or what else the encoder takes.
            source_mask: ``[batch, source]``, 0 for padding, where there may be some.

        Returns:
            The hidden states, and keys and values of each layer.
        """
        encoder = self.model.get_encoder()
        given = {self.model.main_input_name: source, "attention_mask": source_mask, "return_dict": True}
        hidden = encoder(**given).last_hidden_state
        # the decoder reads a token, of which nothing is used but what it makes of the hidden states
        token = torch.zeros(source.shape[0], 1, dtype=torch.int64, device=source.device)
        written, read = ([Recorded() for _ in range(self.layers)] for _ in range(2))
        cache = EncoderDecoderCache(Cache(layers=[*written]), Cache(layers=[*read]))
        arguments = {"decoder_input_ids": token, self.cache_name: cache, "use_cache": True, "return_dict": True}
        self.model(encoder_outputs=(hidden,), attention_mask=source_mask, **arguments)
        return hidden, *(tensor.to(self.dtype) for layer in read for tensor in layer.pair())


def cache_name(model: PreTrainedModel) -> str:
    """What the model calls its cache, which depends on the version of transformers."""
    parameters = inspect.signature(model.forward).parameters
    return next((name for name in ("cache", "cache_params") if name in parameters), "past_key_values")
