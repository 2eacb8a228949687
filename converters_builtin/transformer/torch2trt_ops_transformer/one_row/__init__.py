"""Models that are called with one row, such as a decoder with its next token: kernels for what PyTorch runs of them.

A product of one row takes as long as its weights are read, so what stands around products is done in them.  Here are
the operators, with kernels for CPUs in PyTorch's own; those for GPUs are in Triton.  The other modules find calls of a
program that they take the place of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody calls it
from torch2trt import plugin

#: what is done to the first half of a product before it is multiplied with the second
GATES: Final[Mapping[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


@plugin
@torch.library.custom_op("torch2trt_transformer::one_row_product", mutates_args=(), device_types="cpu")
def product(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    residual: torch.Tensor | None = None,
    scale: torch.Tensor | None = None,
    eps: float = 0.0,
    gate: str = "",
) -> torch.Tensor:
    """``residual + gated(linear(normalized(x), weight, bias))``, in float32 until the result.

    Args:
        x: ``[..., features]`` of one row.
        weight: ``[results, features]``; with a gate twice as many results, the first half for the gate.
        bias: ``[results]`` of the weight.
        residual: what is added, ``[..., results]``.
        scale: ``[features]``: the row is divided by the root of the mean of its squares, and multiplied with it.
        eps: what is added to that mean.
        gate: of :data:`GATES`, or none.
    """
    row = x.float()
    if scale is not None:
        row = row * torch.rsqrt(row.square().mean(-1, keepdim=True) + eps) * scale.float()
    made = F.linear(row, weight.float(), None if bias is None else bias.float())
    if gate:
        first, second = made.chunk(2, -1)
        made = GATES[gate](first) * second
    return (made if residual is None else residual.float() + made).to(x.dtype)


@product.register_kernel("cuda")
def _(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    residual: torch.Tensor | None = None,
    scale: torch.Tensor | None = None,
    eps: float = 0.0,
    gate: str = "",
) -> torch.Tensor:
    # Triton is there where PyTorch was built for CUDA, and compiles nothing before it is asked
    from .product_kernel import launch_product

    return launch_product(x, weight, bias, residual, scale, eps, gate)


@product.register_fake
def _(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    residual: torch.Tensor | None = None,
    scale: torch.Tensor | None = None,
    eps: float = 0.0,
    gate: str = "",
) -> torch.Tensor:
    return x.new_empty((*x.shape[:-1], weight.shape[0] // (2 if gate else 1)))


@plugin
@torch.library.custom_op("torch2trt_transformer::one_row_attention", mutates_args=(), device_types="cpu")
def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float,
    place: torch.Tensor | None = None,
    new_key: torch.Tensor | None = None,
    new_value: torch.Tensor | None = None,
    cos: torch.Tensor | None = None,
    sin: torch.Tensor | None = None,
) -> torch.Tensor:
    """Attention of one query for each head, to keys and values of as many heads or fewer.

    Args:
        query: ``[1, heads, 1, size]``.
        key, value: ``[1, own heads, length, size]``, of which each serves as many heads of the query as the next.
        mask: ``[1, 1, 1, length]``: which keys are seen, or what is added to their scores; None sees all.
        scale: of the scores.
        place: ``[1]``, a key and a value that others stand for; counted from the end where it is negative.
        new_key, new_value: ``[1, own heads, 1, size]``, these.
        cos, sin: ``[1, 1, 1, size]``: by what the pairs of numbers of queries and the new key, which are half a row
            apart, are turned; computed in float32.
    """
    if cos is not None and sin is not None and new_key is not None:
        query, new_key = (_turned(one, cos, sin) for one in (query, new_key))
    if place is not None and new_key is not None and new_value is not None:
        put = torch.ops.aten.index_put.default
        key, value = (put(old, [None, None, place], new) for old, new in ((key, new_key), (value, new_value)))
    return F.scaled_dot_product_attention(query, key, value, mask, scale=scale, enable_gqa=True)


@attention.register_kernel("cuda")
def _(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float,
    place: torch.Tensor | None = None,
    new_key: torch.Tensor | None = None,
    new_value: torch.Tensor | None = None,
    cos: torch.Tensor | None = None,
    sin: torch.Tensor | None = None,
) -> torch.Tensor:
    from .attention_kernel import launch_attention

    return launch_attention(query, key, value, mask, scale, place, new_key, new_value, cos, sin)


@attention.register_fake
def _(query: torch.Tensor, *_: object) -> torch.Tensor:
    return query.new_empty(query.shape)


def _turned(row: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = row.float().chunk(2, -1)
    return (row.float() * cos.float() + torch.cat([-second, first], -1) * sin.float()).to(row.dtype)
