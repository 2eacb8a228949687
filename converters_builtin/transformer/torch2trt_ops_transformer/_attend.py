"""Attention as TensorRT's own layer, or as products and a softmax where that layer does not fit."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true
from torch2trt import Context, trt
from torch2trt.lib import (
    arange,
    broadcast,
    compare,
    dtype_of,
    elementwise,
    matmul,
    ndim_of,
    reshape,
    select,
    size,
    sizes,
    softmax,
    squeeze,
    unsqueeze,
)

E = trt.ElementWiseOperation
_trt: Any = trt  # typed as an older TensorRT, which has no attention yet


def reason_declined(
    query: Any, key: Any, dropout_p: float = 0.0, scale: float | None = None, grouped: bool = False
) -> str | None:
    """Why :func:`attend` does not take FakeTensors like these, or None."""
    if dropout_p:
        return "dropout is active; pass dropout_p=0.0 outside of training"
    if scale is None and not isinstance(query.shape[-1], int):
        return "the width of a head is dynamic; pass scale="
    if grouped and not (isinstance(query.shape[-3], int) and isinstance(key.shape[-3], int)):
        return "with enable_gqa=True the number of heads must be static"
    return None


def attend(
    ctx: Context,
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
    grouped: bool = False,
) -> trt.ITensor:
    """``softmax(query @ key.mT * scale + mask) @ value``; rows whose mask hides every key give 0.

    Args:
        ctx: the context of a call whose first arguments are query, key and value.
        query: (..., heads, queries, width).
        key: (..., heads, keys, width).
        value: (..., heads, keys, value width).
        mask: bool, true where a key is seen, or numbers to add; broadcast to (..., heads, queries, keys).
        causal: query ``i`` sees the keys up to ``i``.
        scale: by default one over the root of the width.
        grouped: consecutive query heads share a key head.
    """
    query, key, value = ctx.tensor(query), ctx.tensor(key), ctx.tensor(value)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    query = elementwise(ctx, E.PROD, query, scale, dtype_of(query))
    if mask is not None and dtype_of(mask) is not torch.bool:
        mask = ctx.tensor(mask, dtype_of(query))
    if _fits_the_layer(ctx, mask, causal):
        return _layer(ctx, query, key, value, mask, causal)
    return _products(ctx, query, key, value, mask, causal, grouped)


def _fits_the_layer(ctx: Context, mask: Any, causal: bool) -> bool:
    """Whether TensorRT has the layer and it takes this call.

    It wants four dimensions (a missing head is added), key and value of one shape, a static number of heads, the
    query's batch, and either a mask or the causal order.
    """
    query, key, value = (tensor.shape for tensor in ctx.call.args[:3])
    if not hasattr(ctx.network, "add_attention") or (mask is not None and causal):
        return False
    if not len(query) == len(key) == len(value) or len(query) not in (3, 4) or ndim_of(mask) > len(query):
        return False
    if len(query) == 4 and not (isinstance(query[1], int) and isinstance(key[1], int)):
        return False
    same = [*zip(key, value, strict=True), (query[0], key[0])]
    return all(statically_known_true(one == other) for one, other in same)


def _layer(
    ctx: Context, query: trt.ITensor, key: trt.ITensor, value: trt.ITensor, mask: Any, causal: bool
) -> trt.ITensor:
    single = len(query.shape) == 3
    if single:
        query, key, value = (unsqueeze(ctx, tensor, [1]) for tensor in (query, key, value))
        mask = unsqueeze(ctx, mask, [1]) if ndim_of(mask) == 3 else mask
    network: Any = ctx.network
    normalization = _trt.AttentionNormalizationOp.SOFTMAX
    if hasattr(network, "add_attention_v2"):
        kind = _trt.CausalMaskKind.UPPER_LEFT if causal else _trt.CausalMaskKind.NONE
        layer = network.add_attention_v2(query, key, value, normalization, kind)
    else:
        layer = network.add_attention(query, key, value, normalization, causal)
    # where no fused kernel takes these widths or this dtype, TensorRT may take the layer apart
    layer.decomposable = True
    if mask is not None:
        layer.mask = ctx.tensor(mask, ndim=4)
    result = layer.get_output(0)
    return squeeze(ctx, result, [1]) if single else result


def _products(
    ctx: Context, query: trt.ITensor, key: trt.ITensor, value: trt.ITensor, mask: Any, causal: bool, grouped: bool
) -> trt.ITensor:
    if grouped and key.shape[-3] != query.shape[-3]:
        key, value = (_repeated_heads(ctx, tensor, query) for tensor in (key, value))
    scores = matmul(ctx, query, key, transpose_other=True)
    if causal:
        scores = select(ctx, _seen_in_order(ctx, scores), scores, -math.inf, dtype_of(scores))
    if mask is not None and dtype_of(mask) is torch.bool:
        scores = select(ctx, mask, scores, -math.inf, dtype_of(scores))
    elif mask is not None:
        scores = elementwise(ctx, E.SUM, scores, mask, dtype_of(scores))
    weights = softmax(ctx, scores, -1)
    if mask is not None:
        # a row without any key is NaN until here
        weights = select(ctx, compare(ctx, E.EQUAL, scores, -math.inf), 0.0, weights, dtype_of(weights))
    return matmul(ctx, weights, value)


def _repeated_heads(ctx: Context, tensor: trt.ITensor, query: trt.ITensor) -> trt.ITensor:
    """Each head as often as there are query heads for it, as ``repeat_interleave`` does."""
    heads, wanted = tensor.shape[-3], query.shape[-3]
    dims = sizes(ctx, tensor)
    ndim = len(dims)
    wide = broadcast(ctx, unsqueeze(ctx, tensor, [ndim - 2]), [*dims[:-2], wanted // heads, *dims[-2:]])
    return reshape(ctx, wide, [*dims[:-3], wanted, *dims[-2:]])


def _seen_in_order(ctx: Context, scores: trt.ITensor) -> trt.ITensor:
    """True where a key is not behind its query."""
    rows, columns = (arange(ctx, size(ctx, scores, dim)) for dim in (-2, -1))
    return compare(ctx, E.GREATER, unsqueeze(ctx, columns, [0]), unsqueeze(ctx, rows, [1]), negate=True)
