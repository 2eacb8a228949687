"""What all converted models that generate have in common: caches that are a module's buffers, and ``generate``."""

from __future__ import annotations

import copy
import inspect
from typing import Any, Final

import torch
from torch2trt import InputError, TRTModule
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig
from transformers.generation.configuration_utils import GenerationMode

from .caches import EngineCache

#: what ``generate`` of the installed transformers calls a cache
CACHE: Final = (
    "cache"
    if "cache" in inspect.signature(GenerationMixin.prepare_inputs_for_generation).parameters
    else "past_key_values"
)


class Generating(GenerationMixin, torch.nn.Module):
    """A module whose ``generate`` takes the arguments of transformers' own, which does the work.

    Args:
        module: the converted decoder.
        config: the model's configuration.
        generation_config: what ``generate`` does where its arguments do not say.
        single: the same decoder for one token of one text, which then runs these; it gets the caches of ``module``.
    """

    # transformers then refuses assisted generation, which takes tokens back
    _is_stateful = True
    base_model_prefix = ""

    def __init__(
        self,
        module: TRTModule,
        config: PretrainedConfig,
        generation_config: GenerationConfig | None = None,
        single: TRTModule | None = None,
    ) -> None:
        super().__init__()
        self.module, self.config, self.single = module, config, single
        if single is not None:
            single.share_state(module)
        self.generation_config = copy.deepcopy(generation_config or GenerationConfig.from_model_config(config))
        self._cache: EngineCache | None = None
        specs = {spec.name: spec.ranges for spec in module.signature.inputs} if module.signature else {}
        if not self._tensors or not {"input_ids", "attention_mask", "start"} <= specs.keys():
            raise InputError("the module has no caches of a decoder; convert_causal_lm makes one that has")
        (_, _, self.max_batch_size), (_, _, self.max_length) = specs["attention_mask"]
        #: how many tokens a call of the engine takes: one where a layer keeps states
        self._at_once = specs["input_ids"][1][2]

    @property
    def _tensors(self) -> list[torch.Tensor]:
        return self.module.buffers_written()

    @property
    def device(self) -> torch.device:
        """Where the caches are, and inputs should be."""
        return self._tensors[0].device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the caches."""
        return self._tensors[0].dtype

    def _step(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        position_ids: torch.Tensor | None,
        cache: EngineCache | None,
        *more: torch.Tensor,
    ) -> tuple[torch.Tensor, EngineCache]:
        """The logits after the last of ``input_ids``, and the cache that has them."""
        (batch, tokens), device = input_ids.shape, self.device
        begun = self._begun(cache, batch)
        start = begun.get_seq_length()
        self._check_room(batch, start + tokens)
        mask = self._whole_mask(attention_mask, batch, start + tokens, device)
        if position_ids is None:
            position_ids = (mask.cumsum(-1) - 1).clamp(min=0)[:, start : start + tokens]
        position_ids = position_ids.expand(batch, tokens)
        pieces = [(input_ids, position_ids)]
        if tokens > self._at_once:
            pieces = [*zip(*(one.split(self._at_once, 1) for one in (input_ids, position_ids)), strict=True)]
        for ids, positions in pieces:
            places = torch.full((1,), begun.get_seq_length(), device=device)  # made there, not copied
            runs = self.module if self.single is None or ids.numel() != 1 else self.single
            logits = runs(ids.contiguous(), mask, positions.contiguous(), places, *more)
            begun.grow(batch, ids.shape[1])
        return logits, begun

    def _begun(self, cache: EngineCache | None, batch: int) -> EngineCache:
        """The cache that a call goes on with."""
        begun = self._empty_cache() if cache is None else cache
        if begun is not self._cache or begun.rows not in (0, batch):
            raise InputError("the cache is not of the texts that this model is at; texts begin without one")
        return begun

    def _whole_mask(
        self, attention_mask: torch.Tensor | None, batch: int, seen: int, device: torch.device
    ) -> torch.Tensor:
        """As long as the caches, with zeros for what is still to come."""
        if attention_mask is None:
            attention_mask = torch.ones(batch, seen, dtype=torch.int64, device=device)
        if attention_mask.shape != (batch, seen):
            raise InputError(
                f"attention_mask is {list(attention_mask.shape)} and must be {[batch, seen]}: "
                "of all tokens of the text, those in the cache too"
            )
        return torch.nn.functional.pad(attention_mask.to(device, torch.int64), (0, self.max_length - seen))

    def _empty_cache(self) -> EngineCache:
        self.module.reset()
        self._cache = EngineCache(self.module.buffers_written, self.max_length)
        return self._cache

    def _check_room(self, rows: int, length: int) -> None:
        if rows > self.max_batch_size:
            raise InputError(
                f"{rows} rows (the batch times num_beams or num_return_sequences) are more than "
                f"the {self.max_batch_size} that the model was converted for; give fewer, or convert with "
                f"max_batch_size={rows}"
            )
        if length > self.max_length:
            raise InputError(
                f"a text of {length} tokens, prompt and new ones, is longer than the {self.max_length} that the model "
                f"was converted for; give a smaller max_new_tokens, or convert with max_length={length}"
            )

    def _prepare_cache_for_generation(  # type: ignore[override]  # nor does transformers' own return anything
        self,
        generation_config: GenerationConfig,
        model_kwargs: dict[str, Any],
        generation_mode: GenerationMode,
        batch_size: int,
        max_cache_length: int,
    ) -> None:
        """Called by ``generate`` once all sizes are known; what does not fit is said before anything is computed."""
        if model_kwargs.get(CACHE) is not None or generation_config.cache_implementation is not None:
            raise InputError(f"the model has caches of its own; leave out {CACHE} and cache_implementation")
        for name in ("output_attentions", "output_hidden_states"):
            if getattr(generation_config, name):
                raise InputError(f"an engine returns logits alone; leave out {name}")
        beams = max(generation_config.num_beams or 1, generation_config.num_return_sequences or 1)
        self._check_room(batch_size * beams, generation_config.max_length)
        positions = model_kwargs.get("position_ids")
        if positions is not None and int(positions.max()) >= positions.shape[-1]:
            raise InputError(f"position_ids go up to {int(positions.max())}, of {positions.shape[-1]} tokens")
        if generation_config.use_cache is not False:
            model_kwargs[CACHE] = self._empty_cache()

    def can_generate(self) -> bool:
        """True, which transformers asks of models."""
        return True

    def is_remote_code(self) -> bool:
        """False, which transformers asks of models."""
        return False

    def get_experts_implementation(self) -> dict[str, str]:
        """None that transformers could exchange: they are in the engine."""
        return {}
