"""ATTENTION_INPUT and ATTENTION_OUTPUT, ROTARY_EMBEDDING and KV_CACHE_UPDATE."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from ..dtypes import cast, torch_dtype
from ..network import Node
from .base import Evaluator, Prepared, ints

#: what the inputs of an ATTENTION_INPUT layer are
_QUERY, _KEY, _VALUE, _MASK, _SCALE, _QUERY_LENGTHS, _KEY_LENGTHS = range(7)


@dataclass(frozen=True, slots=True)
class _Attention:
    """The settings of one attention; ``quantized`` is the type that the normalized scores pass through."""

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
        """Over (batch, heads, tokens, width)."""
        groups = query.shape[1] // key.shape[1]
        key, value = (t.float().repeat_interleave(groups, 1) for t in (key, value))
        scores = torch.matmul(query.float(), key.mT)
        hidden = _hidden(scores, self.causal, lengths)
        if mask is not None and mask.dtype == torch.bool:
            hidden = hidden | ~mask
        elif mask is not None:
            scores = scores + mask.float()
        if self.softmax:
            weight = torch.softmax(scores.masked_fill(hidden, -math.inf), -1).nan_to_num(nan=0.0)
        else:
            weight = scores.masked_fill(hidden, 0.0)
        if self.quantized is not None and scale is not None:
            weight = _round_trip(weight, scale.float(), self.quantized)
        return torch.matmul(weight, value).to(query.dtype)


def attention_input(node: Node) -> Prepared:
    """``normalize(query @ key^T + mask) @ value``, in fp32, over (batch, heads, tokens, width).

    There is no scale: a network scales the query.  Where there are fewer key heads than query heads, a key head serves
    consecutive query heads.  A boolean mask keeps what is true, any other is added.  UPPER_LEFT lets token i see keys
    up to i, LOWER_RIGHT up to i + keys - queries.  A row that sees nothing gives 0.  Key lengths hide the keys behind
    them.  Packed tokens, (tokens, heads, width), are attended to sequence by sequence, and a causal mask is that of
    each sequence.  Without normalization the scores are used as they are, which is what TensorRT documents; engines of
    TensorRT for RTX 1.6 apply softmax nevertheless.  The whole attention is computed here, and ATTENTION_OUTPUT passes
    it on.
    """
    attention = node.layer.attention
    scale = torch_dtype(attention.normalization_quantize_to_type) if node.input(_SCALE) else None
    settings = _Attention(_causal_kind(attention), attention.norm_op.name == "SOFTMAX", scale)
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
        until = None if key_lengths is None else ints(key_lengths)
        keys, contents = (_sequences(tensor, packed_key, until) for tensor in (key, value))
        found = []
        for i, (q, k, v) in enumerate(zip(queries, keys, contents, strict=True)):
            seen = None if mask is None else mask[i % mask.shape[0], :, : q.shape[2], : k.shape[2]]
            found.append(settings.attend(q, k, v, seen, scale, None))
        if not packed_query:
            return torch.cat(found)
        return torch.cat([one[0].transpose(0, 1) for one in found])

    return Prepared(evaluate, inputs, control_from=_QUERY_LENGTHS)


def _is_packed(attention: Any, form: str) -> bool:
    chosen = getattr(attention, form, None)  # an older TensorRT knows padded tokens only
    return chosen is not None and chosen.name == "PACKED_NHD"


def _sequences(tokens: torch.Tensor, packed: bool, lengths: list[int] | None) -> list[torch.Tensor]:
    """One (1, heads, tokens, width) a sequence; lengths are cumulative for packed tokens, and cut padded ones."""
    if packed:
        ends = lengths or [0, tokens.shape[0]]
        return [tokens[a:b].transpose(0, 1)[None] for a, b in pairwise(ends)]
    if lengths is None:
        return list(tokens.split(1))
    return [one[:, :, :length] for one, length in zip(tokens.split(1), lengths, strict=True)]


def _causal_kind(attention: Any) -> str:
    kind = getattr(attention, "causal_kind", None)  # an older TensorRT has the flag only
    if kind is not None:
        return str(kind.name)
    return "UPPER_LEFT" if attention.causal else "NONE"


def _hidden(scores: torch.Tensor, causal: str, lengths: torch.Tensor | None) -> torch.Tensor:
    queries, keys = scores.shape[-2:]
    key = torch.arange(keys, device=scores.device)
    hidden = torch.zeros((queries, keys), dtype=torch.bool, device=scores.device)
    if causal != "NONE":
        last = torch.arange(queries, device=scores.device) + (keys - queries if causal == "LOWER_RIGHT" else 0)
        hidden = key > last[:, None]
    return hidden if lengths is None else hidden | (key >= lengths.reshape(-1, 1, 1, 1))


def _round_trip(weight: torch.Tensor, scale: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    if dtype == torch.int8:
        return torch.round(weight / scale).clamp(-128, 127) * scale
    return cast(weight / scale, dtype).float() * scale


def attention_output(node: Node) -> Prepared:
    """What :func:`attention_input` computed."""
    return Prepared(lambda x: x, (node.required(0),))


def rotary_embedding(node: Node) -> Prepared:
    """Rotate pairs of the first ``rotary_embedding_dim`` elements (all of them where that is 0), in fp32.

    The caches are (positions, pairs) and indexed with the position ids, or already (batch, tokens, pairs) where there
    are none.  Pairs are neighbours where ``interleaved``, else element i and i + pairs.
    """
    interleaved, width = bool(node.layer.interleaved), int(node.layer.rotary_embedding_dim)

    def evaluate(
        x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor, positions: torch.Tensor | None
    ) -> torch.Tensor:
        if positions is not None:
            cosines, sines = cosines[positions.to(torch.int64)], sines[positions.to(torch.int64)]
        count = width or x.shape[-1]
        turned, kept = x[..., :count].float(), x[..., count:]
        cos, sin = cosines.float().unsqueeze(1), sines.float().unsqueeze(1)  # the same for all heads
        if interleaved:
            first, second = turned[..., 0::2], turned[..., 1::2]
        else:
            first, second = turned.chunk(2, -1)
        pair = (first * cos - second * sin, second * cos + first * sin)
        result = torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1)
        return torch.cat((result.to(x.dtype), kept), -1)

    return Prepared(evaluate, tuple(node.input(i) for i in range(4)))


def kv_cache_update(node: Node) -> Prepared:
    """The cache with each sequence's update written from its write index on, along the axis of the tokens.

    Tokens that would lie behind the end of the cache are dropped; TensorRT leaves them open.
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
