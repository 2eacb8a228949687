"""Kernels for models that are called with one row, as plugins; TensorRT for RTX takes none."""

import torch
import torch2trt
from torch2trt.testing import Case, f32
from torch2trt_ops_transformer.one_row import attention, product

ON_RTX = "" if hasattr(torch2trt.trt.INetworkDefinition, "add_plugin_v3") else "take no plugins"
PRODUCT, ATTENTION = (f"torch2trt_transformer.one_row_{name}.default" for name in ("product", "attention"))
HALVES = (torch.float32, torch.float16)
ROW, CACHE = (1, 4, 1, 16), (1, 2, 7, 16)


def seen(query, key, value):
    """With a place that is written and rotary embeddings."""
    place, turn = torch.tensor([3]), torch.linspace(0, 3, 16)[None, None, None].to(query.dtype)
    mask = (torch.arange(7) < 5)[None, None, None]
    return attention(query, key, value, mask, 0.25, place, key[:, :, :1], value[:, :, :1], turn.cos(), turn.sin())


CASES = [
    Case(PRODUCT, product, [f32(1, 8), f32(6, 8)], dtypes=HALVES, rejects=ON_RTX, name="a row"),
    Case(
        PRODUCT,
        lambda x, weight, bias, residual, scale: product(x, weight, bias, residual, scale, 1e-5, "silu"),
        [f32(1, 1, 8), f32(12, 8), f32(12), f32(1, 1, 6), f32(8)],
        rejects=ON_RTX,
        name="normalized, gated and added",
    ),
    Case(
        ATTENTION,
        lambda query, key, value: attention(query, key, value, None, 0.25),
        [f32(*ROW), f32(*CACHE), f32(*CACHE)],
        dtypes=HALVES,
        rejects=ON_RTX,
        name="heads that are shared",
    ),
    Case(ATTENTION, seen, [f32(*ROW), f32(*CACHE), f32(*CACHE)], rejects=ON_RTX, name="a token that is written"),
]
