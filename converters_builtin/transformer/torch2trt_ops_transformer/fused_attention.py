"""The attention kernels that PyTorch chooses when an exported program is decomposed before it gets here."""

from __future__ import annotations

import torch
from torch2trt import Call, Context, converter, trt
from torch2trt.lib import Value

from ._attend import attend, reason_declined


def _rejects(call: Call, query: torch.Tensor, dropout_p: float, scale: float | None) -> str | None:
    if any(call.uses(index) for index in range(1, len(call.results))):
        return "the logarithms of sums and the random state, which serve the backward pass, are results too"
    return reason_declined(query, dropout_p, scale)


@converter(
    "aten._scaled_dot_product_flash_attention_for_cpu.default",
    "aten._scaled_dot_product_flash_attention.default",
    rejects=_rejects,
)
def flash_attention(
    ctx: Context,
    query: Value,
    key: Value,
    value: Value,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    return_debug_mask: bool = False,
    attn_mask: Value | None = None,
    scale: float | None = None,
) -> tuple[trt.ITensor | None, ...]:
    """_scaled_dot_product_flash_attention(Tensor query, ..., bool is_causal=False, ..., *, float? scale=None) -> ..."""
    return _only_output(ctx, attend(ctx, query, key, value, attn_mask, is_causal, scale))


@converter(
    "aten._scaled_dot_product_efficient_attention.default",
    "aten._scaled_dot_product_cudnn_attention.default",
    rejects=_rejects,
)
def efficient_attention(
    ctx: Context,
    query: Value,
    key: Value,
    value: Value,
    attn_bias: Value | None,
    compute_log_sumexp: bool,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    return_debug_mask: bool = False,
    scale: float | None = None,
) -> tuple[trt.ITensor | None, ...]:
    """_scaled_dot_product_efficient_attention(Tensor query, ..., Tensor? attn_bias, ...) -> ..."""
    return _only_output(ctx, attend(ctx, query, key, value, attn_bias, is_causal, scale))


@converter("aten._scaled_dot_product_fused_attention_overrideable.default", rejects=_rejects)
def overrideable_attention(
    ctx: Context,
    query: Value,
    key: Value,
    value: Value,
    attn_bias: Value | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    return_debug_mask: bool = False,
    scale: float | None = None,
) -> tuple[trt.ITensor | None, ...]:
    """_scaled_dot_product_fused_attention_overrideable(Tensor query, ..., Tensor? attn_bias=None, ...) -> ..."""
    return _only_output(ctx, attend(ctx, query, key, value, attn_bias, is_causal, scale))


def _only_output(ctx: Context, output: trt.ITensor) -> tuple[trt.ITensor | None, ...]:
    """The other results serve the backward pass."""
    return output, *(None,) * (len(ctx.call.results) - 1)
