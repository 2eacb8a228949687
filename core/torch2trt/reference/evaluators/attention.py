"""ATTENTION_INPUT and ATTENTION_OUTPUT, ROTARY_EMBEDDING and KV_CACHE_UPDATE."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from ..dtypes import cast, torch_dtype
from ..layers import Node
from .base import Evaluator, Prepared, ints

#: the positions of the inputs of an ATTENTION_INPUT layer
_QUERY, _KEY, _VALUE, _MASK, _SCALE, _QUERY_LENGTHS, _KEY_LENGTHS = range(7)


@dataclass(frozen=True, slots=True)
class _Attention:
    """The settings of one attention; the normalized scores are quantized to ``quantized`` and back."""

    causal: str
    softmax: bool
    quantized: torch.dtype | None

    def attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        scale: torch.Tensor | None,
        lengths: torch.Tensor | None,
    ) -> torch.Tensor:
        """Attend over tensors of (batch, heads, tokens, width)."""
        groups = query.shape[1] // key.shape[1]
        key, value = (t.float().repeat_interleave(groups, 1) for t in (key, value))
        scores = torch.matmul(query.float(), key.mT)
        masked = _masked(scores, self.causal, lengths)
        if mask is not None and mask.dtype == torch.bool:
            masked = masked | ~mask
        elif mask is not None:
            scores = scores + mask.float()
        if self.softmax:
            weight = torch.softmax(scores.masked_fill(masked, -math.inf), -1)
        else:
            weight = scores.masked_fill(masked, 0.0)
        if self.quantized is not None and scale is not None:
            weight = _round_trip(weight, scale.float(), self.quantized)
        return torch.matmul(weight, value).to(query.dtype)


def attention_input(node: Node) -> Prepared:
    """``normalize(query @ key^T + mask) @ value``, in fp32, over (batch, heads, tokens, width).

    The layer applies no scale; networks scale the query.  With fewer key heads than query heads, each key head serves
    consecutive query heads.  A boolean mask is true for the keys that a query attends to; any other mask is added to
    the scores.  With UPPER_LEFT query i attends to keys up to i, with LOWER_RIGHT up to i + keys - queries.  A row with
    every key masked is NaN, as in engines.  Keys from a sequence's key length on are masked.  Packed tokens, (tokens,
    heads, width), are attended to sequence by sequence, each with its own causal mask.  Without normalization the
    scores are used as they are, as TensorRT documents; engines of TensorRT for RTX 1.6 apply softmax nevertheless.
    This layer computes the whole attention, and ATTENTION_OUTPUT returns it.
    """
    attention = node.layer.attention
    quantized = torch_dtype(attention.normalization_quantize_to_type) if node.input(_SCALE) else None
    settings = _Attention(_causal_kind(attention), attention.norm_op.name == "SOFTMAX", quantized)
    inputs = tuple(node.input(i) for i in range(_KEY_LENGTHS + 1))
    packed_query, packed_key = (_is_packed(attention, form) for form in ("query_form", "key_value_form"))
    if not packed_query and not packed_key:
        return Prepared(settings.attend, (*inputs[: _SCALE + 1], inputs[_KEY_LENGTHS]))

    def evaluate(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        scale: torch.Tensor | None,
        query_lengths: torch.Tensor | None,
        key_lengths: torch.Tensor | None,
    ) -> torch.Tensor:
        queries = _sequences(query, packed_query, None if query_lengths is None else ints(query_lengths))
        lengths = None if key_lengths is None else ints(key_lengths)
        keys, values = (_sequences(tensor, packed_key, lengths) for tensor in (key, value))
        outputs = []
        for i, (q, k, v) in enumerate(zip(queries, keys, values, strict=True)):
            sequence_mask = None if mask is None else mask[i % mask.shape[0], :, : q.shape[2], : k.shape[2]]
            outputs.append(settings.attend(q, k, v, sequence_mask, scale, None))
        if not packed_query:
            return torch.cat(outputs)
        return torch.cat([output[0].transpose(0, 1) for output in outputs])

    return Prepared(evaluate, inputs, control_from=_QUERY_LENGTHS)


def _is_packed(attention: Any, form: str) -> bool:
    layout = getattr(attention, form, None)  # an older TensorRT has padded tokens only, and no such attribute
    return layout is not None and layout.name == "PACKED_NHD"


def _sequences(tokens: torch.Tensor, packed: bool, lengths: list[int] | None) -> list[torch.Tensor]:
    """One (1, heads, tokens, width) per sequence.

    Lengths are cumulative for packed tokens; padded tokens are cut to theirs.
    """
    if packed:
        ends = lengths or [0, tokens.shape[0]]
        return [tokens[start:end].transpose(0, 1)[None] for start, end in pairwise(ends)]
    if lengths is None:
        return list(tokens.split(1))
    return [padded[:, :, :length] for padded, length in zip(tokens.split(1), lengths, strict=True)]


def _causal_kind(attention: Any) -> str:
    kind = getattr(attention, "causal_kind", None)  # an older TensorRT has only the flag
    if kind is not None:
        return str(kind.name)
    return "UPPER_LEFT" if attention.causal else "NONE"


def _masked(scores: torch.Tensor, causal: str, lengths: torch.Tensor | None) -> torch.Tensor:
    """True for the keys that a query must not attend to."""
    queries, keys = scores.shape[-2:]
    key = torch.arange(keys, device=scores.device)
    masked = torch.zeros((queries, keys), dtype=torch.bool, device=scores.device)
    if causal != "NONE":
        last = torch.arange(queries, device=scores.device) + (keys - queries if causal == "LOWER_RIGHT" else 0)
        masked = key > last[:, None]
    return masked if lengths is None else masked | (key >= lengths.reshape(-1, 1, 1, 1))


def _round_trip(weight: torch.Tensor, scale: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    if dtype == torch.int8:
        return torch.round(weight / scale).clamp(-128, 127) * scale
    return cast(weight / scale, dtype).float() * scale


def attention_output(node: Node) -> Prepared:
    """The result of :func:`attention_input`."""
    return Prepared(lambda x: x, (node.required(0),))


def rotary_embedding(node: Node) -> Prepared:
    """Rotate pairs of the first ``rotary_embedding_dim`` elements (all of them if that is 0), in fp32.

    The caches are (positions, pairs), indexed with the position ids; without ids they are (batch, tokens, pairs).  A
    pair is two adjacent elements if ``interleaved``, else the elements i and i + pairs.
    """
    interleaved, width = bool(node.layer.interleaved), int(node.layer.rotary_embedding_dim)

    def evaluate(
        x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor, positions: torch.Tensor | None
    ) -> torch.Tensor:
        if positions is not None:
            cosines, sines = cosines[positions.to(torch.int64)], sines[positions.to(torch.int64)]
        count = width or x.shape[-1]
        rotated, rest = x[..., :count].float(), x[..., count:]
        cos, sin = cosines.float().unsqueeze(1), sines.float().unsqueeze(1)  # the same for all heads
        if interleaved:
            first, second = rotated[..., 0::2], rotated[..., 1::2]
        else:
            first, second = rotated.chunk(2, -1)
        pair = (first * cos - second * sin, second * cos + first * sin)
        result = torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1)
        return torch.cat((result.to(x.dtype), rest), -1)

    return Prepared(evaluate, tuple(node.input(i) for i in range(4)))


def kv_cache_update(node: Node) -> Prepared:
    """The cache with each sequence's update written at its write index, along the axis of the tokens.

    Tokens beyond the end of the cache are dropped; TensorRT leaves this undefined.
    """
    packed = _is_packed(node.layer, "update_form")

    def evaluate(
        cache: torch.Tensor, update: torch.Tensor, indices: torch.Tensor, lengths: torch.Tensor | None
    ) -> torch.Tensor:
        written = cache.clone()
        updates = _sequences(update, packed, None if lengths is None or not packed else ints(lengths))
        for sequence, (start, tokens) in enumerate(zip(ints(indices), updates, strict=True)):
            count = min(tokens.shape[2], cache.shape[2] - start)
            if count > 0:
                written[sequence, :, start : start + count] = tokens[0, :, :count]
        return written

    return Prepared(evaluate, tuple(node.input(i) for i in range(4)), control_from=2)


EVALUATORS: dict[str, Evaluator] = {
    "ATTENTION_INPUT": attention_input,
    "ATTENTION_OUTPUT": attention_output,
    "ROTARY_EMBEDDING": rotary_embedding,
    "KV_CACHE_UPDATE": kv_cache_update,
}
