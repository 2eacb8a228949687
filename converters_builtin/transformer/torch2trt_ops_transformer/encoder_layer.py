"""``nn.TransformerEncoderLayer`` as one fused operator, which it is in eval mode outside of ``torch.export``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


def rules() -> dict[Any, Callable[..., Any]]:
    """The operator in the layer's own steps."""
    return {torch.ops.aten._transformer_encoder_layer_fwd.default: _encoder_layer}


def _encoder_layer(
    src: torch.Tensor,
    embed_dim: int,
    num_heads: int,
    qkv_weight: torch.Tensor,
    qkv_bias: torch.Tensor,
    proj_weight: torch.Tensor,
    proj_bias: torch.Tensor,
    use_gelu: bool,
    norm_first: bool,
    eps: float,
    norm_weight_1: torch.Tensor,
    norm_bias_1: torch.Tensor,
    norm_weight_2: torch.Tensor,
    norm_bias_2: torch.Tensor,
    ffn_weight_1: torch.Tensor,
    ffn_bias_1: torch.Tensor,
    ffn_weight_2: torch.Tensor,
    ffn_bias_2: torch.Tensor,
    mask: torch.Tensor | None = None,
    mask_type: int | None = None,
) -> Any:
    if mask is not None:  # of three kinds, with zeros where nothing is attended to
        return NotImplemented

    def attended(x: torch.Tensor) -> torch.Tensor:
        attention = _attention(functional.linear(x, qkv_weight, qkv_bias), num_heads)
        return functional.linear(attention, proj_weight, proj_bias)

    def fed(x: torch.Tensor) -> torch.Tensor:
        hidden = (functional.gelu if use_gelu else functional.relu)(functional.linear(x, ffn_weight_1, ffn_bias_1))
        return functional.linear(hidden, ffn_weight_2, ffn_bias_2)

    first, second = (norm_weight_1, norm_bias_1, eps), (norm_weight_2, norm_bias_2, eps)
    if norm_first:
        src = src + attended(functional.layer_norm(src, (embed_dim,), *first))
        return src + fed(functional.layer_norm(src, (embed_dim,), *second))
    src = functional.layer_norm(src + attended(src), (embed_dim,), *first)
    return functional.layer_norm(src + fed(src), (embed_dim,), *second)


def _attention(projected: torch.Tensor, num_heads: int) -> torch.Tensor:
    heads = projected.unflatten(-1, (3, num_heads, projected.shape[-1] // (3 * num_heads)))
    query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
    return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
