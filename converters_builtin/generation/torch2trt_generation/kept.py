"""What a model keeps from token to token, and what it reads: found out by letting it read one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch2trt import CaptureError, Input
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicLayer, EncoderDecoderCache

from .decoder import cache_name
from .layers import STATES, KeysValues, States, Traced


def kept(
    model: PreTrainedModel, rows: int, length: int, dtype: torch.dtype | None, **source: torch.Tensor
) -> Iterator[tuple[type[Traced], list[torch.Tensor]]]:
    """What each layer keeps, as tensors without values, with room for ``rows`` texts of ``length`` tokens.

    Args:
        model: the model, in eval mode.
        rows, length: how much room there is.
        dtype: of what is kept; None for that of the model's own.
        source: what an encoder reads, by the names of the model's arguments.

    Raises:
        CaptureError: a layer keeps something else than keys and values of all tokens, or states of a fixed size.
    """
    for index, layer in enumerate(_layers(model, source)):
        kind, seen = _seen(layer)
        if kind is None:
            raise CaptureError(
                f"layer {index} keeps no keys and values, nor states of a fixed size ({type(layer).__name__}), "
                "as all of a converted decoder do"
            )
        yield (
            kind,
            [torch.empty(rows, *_sizes(kind, one, length), dtype=dtype or one.dtype, device="meta") for one in seen],
        )


def _layers(model: PreTrainedModel, source: dict[str, torch.Tensor]) -> Sequence[Any]:
    """The layers of the cache that the model makes of one token."""
    rows = len(next(iter(source.values()))) if source else 1
    token = torch.zeros(rows, 1, dtype=torch.int64, device=model.device)
    with torch.no_grad():
        given = {**source, "decoder_input_ids" if source else "input_ids": token}
        output = model(**given, use_cache=True, return_dict=True)
    cache = output.get(cache_name(model))
    if source:
        cache = cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else None
    layers: Sequence[Any] = getattr(cache, "layers", [cache])
    return layers


def _seen(layer: Any) -> tuple[type[Traced] | None, Sequence[torch.Tensor]]:
    """What a layer keeps, and the tensors of one token."""
    kind: type[Traced] | None = None
    seen: Sequence[Any] = ()
    if STATES is not None and type(layer) is STATES and layer.number_of_states == 1:
        kind, seen = States, (layer.conv_states[0], layer.recurrent_states[0])
    elif isinstance(layer, DynamicLayer) and not (STATES is not None and isinstance(layer, STATES)):
        kind, seen = KeysValues, (layer.keys, layer.values)
    return (None, ()) if any(tensor is None for tensor in seen) else (kind, seen)


def _sizes(kind: type[Traced], seen: torch.Tensor, length: int) -> tuple[int, ...]:
    """The sizes of one row."""
    return tuple(seen.shape[1:]) if kind is States else (seen.shape[1], length, seen.shape[3])


def source_of(model: PreTrainedModel, rows: int, length: int | None) -> list[Input]:
    """What an encoder takes: a text of up to ``length`` tokens with its mask, or the sound of Whisper."""
    if length is None:
        frames = model.config.num_mel_bins, 2 * model.config.max_source_positions
        return [Input(min=(1, *frames), max=(rows, *frames), dtype=model.dtype)]
    return [Input(min=(1, 1), max=(rows, length), dtype=torch.int64)] * 2


def example_of(model: PreTrainedModel, described: Sequence[Input]) -> list[torch.Tensor]:
    """One of it, of up to two rows, the second with padding."""
    generator = torch.Generator().manual_seed(0)
    shape = described[0].max
    assert shape is not None
    if len(described) == 1:
        sound = torch.randn(min(2, shape[0]), *shape[1:], generator=generator)
        return [sound.to(model.device, model.dtype)]
    sizes = min(2, shape[0]), min(16, shape[1])
    ids = torch.randint(model.config.get_text_config().vocab_size, sizes, generator=generator)
    mask = torch.ones(sizes, dtype=torch.int64)
    mask[1:, 1:][:, -1:] = 0
    return [ids.to(model.device), mask.to(model.device)]


def cross_of(seen: torch.Tensor, rows: int, length: int | None) -> Input:
    """Keys or values of what an encoder reads, such as these."""
    _, heads, tokens, size = seen.shape
    low, high = (tokens, tokens) if length is None else (1, length)
    return Input(min=(1, heads, low, size), max=(rows, heads, high, size), dtype=seen.dtype)
