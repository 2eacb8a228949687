"""``torch.nn.functional.scaled_dot_product_attention``, whichever kernel PyTorch would choose for it."""

from __future__ import annotations

from typing import Any

from torch2trt import Call, Context, converter, trt

from ._attend import attend, reason_declined


def _rejects(
    call: Call,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> str | None:
    return reason_declined(query, key, dropout_p, scale, enable_gqa)


@converter("aten.scaled_dot_product_attention.default", rejects=_rejects)
def scaled_dot_product_attention(
    ctx: Context,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> trt.ITensor:
    """scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, ...) -> Tensor"""
    return attend(ctx, query, key, value, attn_mask, is_causal, scale, enable_gqa)
