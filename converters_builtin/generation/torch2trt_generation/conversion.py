"""From a decoder of transformers to one that generates with an engine."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch2trt import CaptureError, Input, InputError, convert
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicLayer

from .caches import Pair
from .causal_lm import CausalLM
from .decoder import Decoder
from .trial import check_caches


def convert_causal_lm(model: PreTrainedModel, *, max_batch_size: int, max_length: int, **settings: Any) -> CausalLM:
    """Convert a decoder of transformers, such as ``LlamaForCausalLM``, to one whose ``generate`` runs an engine.

    Prompts and single tokens run through one engine, of any number of rows and tokens up to these.  Its caches have
    room for ``max_batch_size`` rows of ``max_length`` tokens, and are in ``precision`` where that is given.

    Args:
        model: the model, in eval mode.
        max_batch_size: the most rows: texts, times beams or sequences that are returned of each.
        max_length: the most tokens of a text, prompt and new ones.
        settings: those of :func:`torch2trt.convert`.

    Raises:
        InputError: what is given is no decoder of transformers, or cannot be as long.
        CaptureError: a layer keeps something else than keys and values, or not of all tokens.
    """
    _check(model, max_batch_size, max_length)
    pairs = list(_empty_caches(model, max_batch_size, max_length, _dtype_of(settings.get("precision"))))
    batch, length = max_batch_size, max_length
    ids = Input(min=(1, 1), opt=(batch, 1), max=(batch, length), dtype=torch.int64)
    mask = Input(min=(1, length), opt=(batch, length), max=(batch, length), dtype=torch.int64)
    start = torch.zeros(1, dtype=torch.int64)
    decoder = Decoder(model, pairs)
    check_caches(decoder)
    module = convert(decoder, [ids, mask, ids, start], **settings)
    return CausalLM(module, copy.deepcopy(model.config), model.generation_config)


def _check(model: Any, max_batch_size: int, max_length: int) -> None:
    if not isinstance(model, PreTrainedModel) or not model.can_generate() or model.config.is_encoder_decoder:
        kind = type(model).__name__
        raise InputError(f"{kind} is no decoder of transformers that generates, such as LlamaForCausalLM")
    if model.training:
        raise InputError("the model is in training mode; call model.eval() first")
    for name, value, least in (("max_batch_size", max_batch_size, 1), ("max_length", max_length, 2)):
        if not isinstance(value, int) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if most is not None and max_length > most:
        raise InputError(
            f"max_length={max_length} is more than the {most} positions of the model (config.max_position_embeddings)"
        )


def _dtype_of(precision: Any) -> torch.dtype | None:
    """The dtype of caches in a precision; mixed ones keep those of the model."""
    return precision if isinstance(precision, torch.dtype) else None


def _empty_caches(model: PreTrainedModel, batch: int, length: int, precision: torch.dtype | None) -> Iterator[Pair]:
    """Of each layer, in the shapes of what the model itself keeps of one token."""
    with torch.no_grad():
        token = torch.zeros(1, 1, dtype=torch.int64, device=model.device)
        output = model(input_ids=token, use_cache=True, return_dict=True)
    kept = output.get("cache", output.get("past_key_values"))
    for index, layer in enumerate(getattr(kept, "layers", [kept])):
        if not isinstance(layer, DynamicLayer) or layer.keys is None or layer.values is None:
            kind = type(layer).__name__
            raise CaptureError(f"layer {index} keeps no keys and values ({kind}), as all of a converted decoder do")
        keys, values = (
            torch.zeros(batch, seen.shape[1], length, seen.shape[3], dtype=precision or seen.dtype, device=model.device)
            for seen in (layer.keys, layer.values)
        )
        yield keys, values
