"""From a model of transformers to one that generates with engines."""

from __future__ import annotations

import copy
from typing import Any, Final

import torch
from torch2trt import Input, InputError, convert
from transformers import GenerationMixin, PreTrainedModel
from transformers.models.whisper.generation_whisper import WhisperGenerationMixin

from .causal_lm import CausalLM
from .decoder import CrossDecoder, Decoder, Encoder
from .kept import cross_of, example_of, kept, source_of
from .seq2seq_lm import Seq2SeqLM, WhisperLM
from .trial import check_caches

#: what configurations call the most tokens of a text
_MOST: Final = ("max_position_embeddings", "max_target_positions")
#: ``generate`` of models that convert
_GENERATES: Final = (GenerationMixin.generate, WhisperGenerationMixin.generate)


def convert_causal_lm(model: PreTrainedModel, *, max_batch_size: int, max_length: int, **settings: Any) -> CausalLM:
    """Convert a decoder of transformers, such as ``LlamaForCausalLM``, to one whose ``generate`` runs an engine.

    Prompts and single tokens run through one engine, of any number of rows and tokens up to these.  Its caches have
    room for ``max_batch_size`` rows of ``max_length`` tokens, and are in ``precision`` where that is given.  Of a model
    that keeps states in their place, such as Mamba, a prompt is read token by token.

    Args:
        model: the model, in eval mode.
        max_batch_size: the most rows: texts, times beams or sequences that are returned of each.
        max_length: the most tokens of a text, prompt and new ones.
        settings: those of :func:`torch2trt.convert`.  With ``autotune=True`` the tokens of one text behind its prompt
            are computed by what is fastest here: an engine, or PyTorch with inductor's kernels and those of packs.

    Raises:
        InputError: what is given is no decoder of transformers, or cannot be as long.
        CaptureError: a layer keeps something else than keys and values or such states, or not of all tokens.
    """
    _check(model, "no decoder of transformers that generates, such as LlamaForCausalLM", is_encoder_decoder=False)
    _check_sizes(model, max_batch_size=max_batch_size, max_length=max_length)
    decoder = Decoder(model, list(kept(model, max_batch_size, max_length, _dtype(settings))))
    check_caches(decoder, max_length)
    single = None
    if settings.get("autotune") and not decoder.is_recurrent:
        single = convert(decoder, _single_step(decoder, max_length), **settings)
        settings["autotune"] = False
    module = convert(decoder, _step(decoder, max_batch_size, max_length, single is not None), **settings)
    return CausalLM(module, copy.deepcopy(model.config), model.generation_config, single)


def convert_seq2seq_lm(
    model: PreTrainedModel,
    *,
    max_batch_size: int,
    max_length: int,
    max_source_length: int | None = None,
    **settings: Any,
) -> Seq2SeqLM:
    """Convert an encoder-decoder of transformers, such as ``T5ForConditionalGeneration`` or Whisper.

    The encoder becomes an engine that also makes the keys and values which the layers of the decoder have of a text,
    once for each; the decoder becomes one as :func:`convert_causal_lm` makes it.

    Args:
        model: the model, in eval mode.
        max_batch_size: the most rows: texts, times beams or sequences that are returned of each.
        max_length: the most tokens that are generated of a text, with those that it begins with.
        max_source_length: the most tokens of a text that is read; sound has a length of its own, so leave it out there.
        settings: those of :func:`torch2trt.convert`, for both engines.

    Raises:
        InputError: what is given is no encoder-decoder of transformers, or cannot be as long.
        CaptureError: a layer keeps something else than keys and values, or not of all tokens.
    """
    _check(model, "no encoder-decoder of transformers, such as T5ForConditionalGeneration", is_encoder_decoder=True)
    kind = _reader(model, max_source_length)
    _check_sizes(model, max_batch_size=max_batch_size, max_length=max_length)
    read, dtype = source_of(model, max_batch_size, max_source_length), _dtype(settings)
    example = example_of(model, read)
    source = dict(zip((model.main_input_name, "attention_mask"), example, strict=False))
    layers = list(kept(model, max_batch_size, max_length, dtype, **source))
    encoder, decoder = Encoder(model, len(layers), dtype or model.dtype), CrossDecoder(model, layers, len(read) > 1)
    with torch.no_grad():
        _, *cross = encoder(*example)
    check_caches(decoder, max_length, [*example[1:], *cross], **source)
    given = [*read[1:], *(cross_of(tensor, max_batch_size, max_source_length) for tensor in cross)]
    encodes = convert(encoder, read, **settings)
    decodes = convert(decoder, [*_step(decoder, max_batch_size, max_length), *given], **settings)
    return kind(encodes, decodes, copy.deepcopy(model.config), model.generation_config)


def _check(model: Any, otherwise: str, *, is_encoder_decoder: bool) -> None:
    is_one = isinstance(model, PreTrainedModel) and model.can_generate()
    if not is_one or model.config.is_encoder_decoder != is_encoder_decoder:
        raise InputError(f"{type(model).__name__} is {otherwise}")
    if type(model).generate not in _GENERATES:
        raise InputError(f"{type(model).__name__} has a generate of its own, which a converted model would not have")
    if model.training:
        raise InputError("the model is in training mode; call model.eval() first")


def _check_sizes(model: PreTrainedModel, **sizes: Any) -> None:
    for name, value in sizes.items():
        least = 2 if name == "max_length" else 1
        if not isinstance(value, int) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
    config = model.config.get_text_config()
    known = ((name, most) for name in _MOST if isinstance(most := getattr(config, name, None), int))
    name, most = next(known, ("", None))
    for size in ("max_length", "max_source_length"):
        if most is not None and sizes.get(size, 0) > most:
            raise InputError(f"{size}={sizes[size]} is more than the {most} positions of the model (config.{name})")


def _reader(model: PreTrainedModel, max_source_length: int | None) -> type[Seq2SeqLM]:
    """What generates, by what is read, whose length is checked."""
    if isinstance(model, WhisperGenerationMixin):
        if max_source_length is not None:
            raise InputError("the sound that Whisper reads has a length of its own; leave out max_source_length")
        return WhisperLM
    if model.main_input_name != "input_ids":
        raise InputError(f"{type(model).__name__} reads {model.main_input_name}; texts and Whisper's sound convert")
    _check_sizes(model, max_source_length=max_source_length)
    return Seq2SeqLM


def _step(decoder: Decoder, batch: int, length: int, has_single: bool = False) -> list[Any]:
    """What a decoder takes: its engine has a profile for single tokens, where it runs them, and one for prompts."""
    one, many = ((1, 1), (batch, 1), (batch, 1)), ((1, 1), (batch, length), (batch, length))
    profiles = [one] if decoder.is_recurrent else [many] if has_single and batch == 1 else [one, many]
    ids = Input(profiles=profiles, dtype=torch.int64)
    mask = Input(min=(1, length), max=(batch, length), dtype=torch.int64)
    return [ids, mask, ids, torch.zeros(1, dtype=torch.int64, device=decoder.model.device)]


def _single_step(decoder: Decoder, length: int) -> list[torch.Tensor]:
    """What a decoder takes for one token of one text, here its second."""
    token, device = torch.ones(1, 1, dtype=torch.int64), decoder.model.device
    mask = (torch.arange(length)[None] < 2).long()
    return [one.to(device) for one in (token, mask, token.clone(), torch.ones(1, dtype=torch.int64))]


def _dtype(settings: dict[str, Any]) -> torch.dtype | None:
    """The dtype of caches in a precision; mixed ones keep those of the model."""
    precision = settings.get("precision")
    return precision if isinstance(precision, torch.dtype) else None
