"""ATTENTION_INPUT and ATTENTION_OUTPUT, ROTARY_EMBEDDING and KV_CACHE_UPDATE."""

from __future__ import annotations

import math
from typing import Any

import torch

from ..dtypes import cast, torch_dtype
from ..errors import UnsupportedLayerError
from ..network import Node
from .base import Evaluator, Prepared, ints

#: what the inputs of an ATTENTION_INPUT layer are
_QUERY, _KEY, _VALUE, _MASK, _SCALE, _QUERY_LENGTHS, _KEY_LENGTHS = range(7)


def attention_input(node: Node) -> Prepared:
    """``normalize(query @ key^T + mask) @ value``, in fp32, over (batch, heads, tokens, width).

    There is no scale: a network scales the query.  Where there are fewer key heads than query heads, a key head serves
    consecutive query heads.  A boolean mask keeps what is true, any other is added.  UPPER_LEFT lets token i see keys
    up to i, LOWER_RIGHT up to i + keys - queries.  A row that sees nothing gives 0.  Key lengths hide the keys behind
    them.  The whole attention is computed here, and ATTENTION_OUTPUT passes it on.
    """
    attention = node.layer.attention
    causal = _causal_kind(attention)
    softmax = attention.norm_op.name == "SOFTMAX"
    for form in ("query_form", "key_value_form"):
        if (found := getattr(attention, form, None)) is not None and found.name != "PADDED_BHND":
            raise UnsupportedLayerError(f"{node}: {form} {found.name} has no evaluator")
    quantized = torch_dtype(attention.normalization_quantize_to_type) if node.input(_SCALE) else None

    def evaluate(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        scale: torch.Tensor | None,
        lengths: torch.Tensor | None,
    ) -> torch.Tensor:
        groups = query.shape[1] // key.shape[1]
        key, value = (t.float().repeat_interleave(groups, 1) for t in (key, value))
        scores = torch.matmul(query.float(), key.mT)
        hidden = _hidden(scores, causal, lengths)
        if mask is not None and mask.dtype == torch.bool:
            hidden = hidden | ~mask
        elif mask is not None:
            scores = scores + mask.float()
        if softmax:
            weight = torch.softmax(scores.masked_fill(hidden, -math.inf), -1).nan_to_num(nan=0.0)
        else:
            weight = scores.masked_fill(hidden, 0.0)
        if quantized is not None and scale is not None:
            weight = _round_trip(weight, scale.float(), quantized)
        return torch.matmul(weight, value).to(query.dtype)

    inputs = tuple(node.input(i) for i in (_QUERY, _KEY, _VALUE, _MASK, _SCALE, _KEY_LENGTHS))
    return Prepared(evaluate, inputs)


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
    form = getattr(node.layer, "update_form", None)
    if form is not None and form.name != "PADDED_BHND":
        raise UnsupportedLayerError(f"{node}: update_form {form.name} has no evaluator")

    def evaluate(cache: torch.Tensor, update: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        written = cache.clone()
        for sequence, start in enumerate(ints(indices)):
            count = min(update.shape[2], cache.shape[2] - start)
            if count > 0:
                written[sequence, :, start : start + count] = update[sequence, :, :count]
        return written

    arguments = (node.required(0), node.required(1), node.required(2))
    return Prepared(evaluate, arguments, control_from=2)


EVALUATORS: dict[str, Evaluator] = {
    "ATTENTION_INPUT": attention_input,
    "ATTENTION_OUTPUT": attention_output,
    "ROTARY_EMBEDDING": rotary_embedding,
    "KV_CACHE_UPDATE": kv_cache_update,
}
