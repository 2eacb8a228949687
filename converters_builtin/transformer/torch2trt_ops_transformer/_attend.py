"""Attention as TensorRT's own layer, or as products and a softmax where that layer does not fit."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true
from torch2trt import Context, lib, trt
from torch2trt.lib import Value


def reason_declined(query: torch.Tensor, dropout_p: float, scale: float | None) -> str | None:
    """Why :func:`attend` does not take a call, or None."""
    if dropout_p:
        return "dropout is active; pass dropout_p=0.0 outside of training"
    if scale is None and is_dynamic(query.shape[-1]):
        return "the width of a head is dynamic; pass scale="
    return None


def is_dynamic(size: int | torch.SymInt) -> bool:
    """Whether a size of a FakeTensor is known only at run time."""
    return isinstance(size, torch.SymInt)


def attend(
    ctx: Context,
    query: Value,
    key: Value,
    value: Value,
    mask: Value | None = None,
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
    query = lib.mul(ctx, query, 1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if mask is not None and lib.dtype_of(mask) is not torch.bool:
        mask = ctx.tensor(mask, lib.dtype_of(query))
    if _layer_fits(ctx, mask, causal):
        return _attention_layer(ctx, query, key, value, mask, causal)
    if grouped:
        key, value = (_repeat_heads(ctx, tensor, query.shape[-3]) for tensor in (key, value))
    scores = _masked(ctx, lib.matmul(ctx, query, key, transpose_other=True), mask, causal)
    return lib.matmul(ctx, _weights(ctx, scores, masked=mask is not None), value)


def _layer_fits(ctx: Context, mask: Value | None, causal: bool) -> bool:
    """Whether TensorRT has the layer and it takes this call.

    It wants four dimensions (a missing head is added), key and value of one shape, a static number of heads, the
    query's batch, and either a mask or the causal order.  With a single key, TensorRT for RTX 1.6.1 gives the first
    numbers of the values and zeros.
    """
    query, key, value = (tensor.shape for tensor in ctx.call.args[:3])
    ndim = len(query)
    if not hasattr(ctx.network, "add_attention") or (mask is not None and causal):
        return False
    if ndim not in (3, 4) or not ndim == len(key) == len(value) or (mask is not None and lib.ndim_of(mask) > ndim):
        return False
    if ndim == 4 and (is_dynamic(query[1]) or is_dynamic(key[1])):
        return False
    if statically_known_true(key[-2] == 1):
        return False
    same = [*zip(key, value, strict=True), (query[0], key[0])]
    return all(statically_known_true(first == second) for first, second in same)


def _attention_layer(
    ctx: Context, query: trt.ITensor, key: trt.ITensor, value: trt.ITensor, mask: Value | None, causal: bool
) -> trt.ITensor:
    without_heads = len(query.shape) == 3
    if without_heads:
        query, key, value = (lib.unsqueeze(ctx, tensor, [1]) for tensor in (query, key, value))
        mask = lib.unsqueeze(ctx, mask, [1]) if mask is not None and lib.ndim_of(mask) == 3 else mask
    layer = _add_attention(ctx, query, key, value, causal)
    # where no fused kernel takes these widths or this dtype, TensorRT may take the layer apart
    layer.decomposable = True
    if mask is not None:
        layer.mask = ctx.tensor(mask, ndim=4)
    output: trt.ITensor = layer.get_output(0)
    if mask is not None:
        output = _zero_where_blind(ctx, output, mask)
    return lib.squeeze(ctx, output, [1]) if without_heads else output


def _zero_where_blind(ctx: Context, output: trt.ITensor, mask: Value) -> trt.ITensor:
    """Attention to no key at all is NaN in TensorRT and 0 in PyTorch."""
    is_bool = lib.dtype_of(mask) is torch.bool
    if lib.is_runtime(mask):
        seen = mask if is_bool else lib.ne(ctx, mask, -math.inf)
        count = lib.reduce(ctx, trt.ReduceOperation.MAX, ctx.tensor(seen, torch.int32), -1, keepdim=True)
        return lib.where(ctx, lib.gt(ctx, count, 0), output, 0.0)
    constant = ctx.const(mask)
    sees = (constant if is_bool else constant != -math.inf).any(-1, keepdim=True)
    return output if sees.all() else lib.where(ctx, sees, output, 0.0)


def _add_attention(ctx: Context, query: trt.ITensor, key: trt.ITensor, value: trt.ITensor, causal: bool) -> Any:
    """The layer by whichever of its two constructors this TensorRT has."""
    # TensorRT's type stubs are of a version before attention
    network: Any = ctx.network
    tensorrt: Any = trt
    normalization = tensorrt.AttentionNormalizationOp.SOFTMAX
    if not hasattr(network, "add_attention_v2"):
        return network.add_attention(query, key, value, normalization, causal)
    kind = tensorrt.CausalMaskKind.UPPER_LEFT if causal else tensorrt.CausalMaskKind.NONE
    return network.add_attention_v2(query, key, value, normalization, kind)


def _repeat_heads(ctx: Context, tensor: trt.ITensor, heads: int) -> trt.ITensor:
    """Each head as often as makes ``heads`` of them (``repeat_interleave``)."""
    repeats = heads // tensor.shape[-3]
    if repeats == 1:
        return tensor
    *batch, own_heads, length, width = lib.sizes(ctx, tensor)
    copies = lib.unsqueeze(ctx, tensor, [len(batch) + 1])
    copies = lib.expand(ctx, copies, [*batch, own_heads, repeats, length, width])
    return lib.reshape(ctx, copies, [*batch, heads, length, width])


def _masked(ctx: Context, scores: trt.ITensor, mask: Value | None, causal: bool) -> trt.ITensor:
    """The scores with the mask added, or -inf where a key is not seen."""
    if causal:
        queries, keys = (lib.arange(ctx, lib.size(ctx, scores, dim)) for dim in (-2, -1))
        seen = lib.le(ctx, lib.unsqueeze(ctx, keys, [0]), lib.unsqueeze(ctx, queries, [1]))
        scores = lib.where(ctx, seen, scores, -math.inf)
    if mask is None:
        return scores
    if lib.dtype_of(mask) is torch.bool:
        return lib.where(ctx, mask, scores, -math.inf)
    return lib.add(ctx, scores, mask)


def _weights(ctx: Context, scores: trt.ITensor, masked: bool) -> trt.ITensor:
    """The softmax over the keys."""
    weights = lib.softmax(ctx, scores, -1)
    if not masked:
        return weights
    # the softmax of a row that sees no key is NaN
    return lib.where(ctx, lib.eq(ctx, scores, -math.inf), 0.0, weights)
