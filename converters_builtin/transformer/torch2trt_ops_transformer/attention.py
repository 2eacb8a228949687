"""``torch.nn.functional.scaled_dot_product_attention``, whichever kernel PyTorch would choose for it."""

from __future__ import annotations

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import Value

from ._attend import attend, is_dynamic, reason_declined


def _rejects(
    query: torch.Tensor, key: torch.Tensor, dropout_p: float, scale: float | None, enable_gqa: bool
) -> str | None:
    if enable_gqa and (is_dynamic(query.shape[-3]) or is_dynamic(key.shape[-3])):
        return "with enable_gqa=True the number of heads must be static"
    return reason_declined(query, dropout_p, scale)


@converter("aten.scaled_dot_product_attention.default", rejects=_rejects)
def scaled_dot_product_attention(
    ctx: Context,
    query: Value,
    key: Value,
    value: Value,
    attn_mask: Value | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> trt.ITensor:
    """scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, ...) -> Tensor"""
    return attend(ctx, query, key, value, attn_mask, is_causal, scale, enable_gqa)
