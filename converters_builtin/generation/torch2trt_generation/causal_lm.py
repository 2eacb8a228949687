"""A converted decoder that generates: transformers decides on the tokens, the engine computes their scores."""

from __future__ import annotations

import torch
from torch2trt import InputError
from transformers.modeling_outputs import CausalLMOutputWithPast

from .caches import EngineCache
from .generating import CACHE, Generating


class CausalLM(Generating):
    """A decoder whose ``generate`` takes the arguments of transformers' own, which does the work.

    Every call of ``generate`` begins with empty caches.  They are the buffers of ``module``, so one batch of texts is
    generated at a time, and ``.to`` moves them to where the inputs are.

    Args:
        module: the converted decoder, as :func:`convert_causal_lm` makes it or ``torch2trt.load`` reads it.
        config: the model's configuration.
        generation_config: what ``generate`` does where its arguments do not say.
        single: what runs one token of one text, where that is not ``module``: ``single`` of what was converted.
    """

    main_input_name = "input_ids"

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cache: EngineCache | None = None,
        past_key_values: EngineCache | None = None,
        cache_position: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        use_cache: bool = True,
        return_dict: bool = True,
    ) -> CausalLMOutputWithPast:
        """The logits after the last of ``input_ids``, ``[batch, 1, vocabulary]``.

        Args:
            input_ids: the tokens that follow those in the cache, ``[batch, tokens]``.
            attention_mask: of all tokens, those in the cache too; 0 is padding, which stands on the left.
            position_ids: of ``input_ids``; by default padding is not counted.
            cache, past_key_values: what the last call returned; None begins a text.
            cache_position, inputs_embeds, use_cache, return_dict: as ``generate`` gives them without embeddings.

        Raises:
            InputError: more rows or tokens than there is room for, or a cache of other texts.
        """
        if inputs_embeds is not None:
            raise InputError("the engine takes tokens; give input_ids and leave out inputs_embeds")
        known = cache if cache is not None else past_key_values
        logits, begun = self._step(input_ids, attention_mask, position_ids, known)
        output = CausalLMOutputWithPast(logits=logits)
        if use_cache:
            output[CACHE] = begun
        return output
