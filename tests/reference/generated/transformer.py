"""ATTENTION_INPUT, ROTARY_EMBEDDING and KV_CACHE_UPDATE."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, BOOL, F16, FLOATS, I32, I64, SHORT, Case, Suite, values


def cases() -> list[Case]:
    """Masks, causal kinds, grouped heads, packed tokens; rotations and caches."""
    suite = Suite()
    _attention(suite)
    _attention_with_lengths(suite)
    _attention_in_fp16(suite)
    _caches(suite)
    return suite.cases


def _attend(kind: str = "NONE", normalize: str = "SOFTMAX") -> Any:
    def build(n: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        norm = getattr(trt.AttentionNormalizationOp, normalize)
        attention = n.add_attention_v2(q, k, v, norm, getattr(trt.CausalMaskKind, kind))
        attention.decomposable = True
        if mask is not None:
            attention.mask = mask
        return attention.get_output(0)

    return build


def _heads(count: int, tokens: int, dtype: torch.dtype, label: str) -> torch.Tensor:
    return values(label, (2, count, tokens, 16), dtype) * (0.25 if label == "q" else 1)


def _attention(suite: Suite) -> None:
    for dtype in FLOATS:
        q, k, v = (_heads(4, 8, dtype, name) for name in "qkv")
        suite.add("ATTENTION_INPUT", f"plain-{SHORT[dtype]}", _attend(), [q, k, v])
        suite.add(
            "ATTENTION_INPUT", f"added-mask-{SHORT[dtype]}", _attend(), [q, k, v, values("m", (2, 4, 8, 8), dtype)]
        )
        keep = values("m", (1, 1, 8, 8), BOOL) | torch.eye(8, dtype=BOOL)
        suite.add("ATTENTION_INPUT", f"mask-{SHORT[dtype]}", _attend(), [q, k, v, keep])
        for kind in ("UPPER_LEFT", "LOWER_RIGHT"):
            suite.add("ATTENTION_INPUT", f"{kind}-{SHORT[dtype]}", _attend(kind), [q, k, v])
            short = _heads(4, 3, dtype, "q")
            suite.add("ATTENTION_INPUT", f"{kind}-short-{SHORT[dtype]}", _attend(kind), [short, k, v])
        suite.add("ATTENTION_INPUT", f"no-softmax-{SHORT[dtype]}", _attend(normalize="NONE"), [q, k, v])
        grouped = [q, _heads(2, 8, dtype, "k"), _heads(2, 8, dtype, "v")]
        suite.add("ATTENTION_INPUT", f"grouped-{SHORT[dtype]}", _attend(), grouped)


def _attention_with_lengths(suite: Suite) -> None:
    def packed(n: Any, q: Any, k: Any, v: Any, query_lengths: Any, key_lengths: Any) -> Any:
        attention = n.add_attention_v2(q, k, v, trt.AttentionNormalizationOp.SOFTMAX, trt.CausalMaskKind.NONE)
        attention.query_form = attention.key_value_form = trt.AttentionIOForm.PACKED_NHD
        attention.query_lengths, attention.key_value_lengths = query_lengths, key_lengths
        return attention.get_output(0)

    def with_lengths(n: Any, q: Any, k: Any, v: Any, lengths: Any) -> Any:
        attention = n.add_attention_v2(q, k, v, trt.AttentionNormalizationOp.SOFTMAX, trt.CausalMaskKind.NONE)
        attention.key_value_lengths, attention.decomposable = lengths, True
        return attention.get_output(0)

    for dtype in (F16, BF16):
        tokens = [values("q", (9, 4, 16), dtype), values("k", (12, 4, 16), dtype), values("v", (12, 4, 16), dtype)]
        lengths = [torch.tensor([0, 4, 9], dtype=I32), torch.tensor([0, 5, 12], dtype=I32)]
        suite.add("ATTENTION_INPUT", f"packed-{SHORT[dtype]}", packed, [*tokens, *lengths])
        cut = [_heads(4, 8, dtype, "q"), _heads(4, 8, dtype, "k"), _heads(4, 8, dtype, "v")]
        cut.append(torch.tensor([3, 8], dtype=I32))
        suite.add("ATTENTION_INPUT", f"key-lengths-{SHORT[dtype]}", with_lengths, cut)


def _attention_in_fp16(suite: Suite) -> None:
    q, k, v = (_heads(4, 8, F16, name) for name in "qkv")

    def fused(n: Any, q: Any, k: Any, v: Any) -> Any:
        normalization = trt.AttentionNormalizationOp.NONE
        return n.add_attention_v2(q, k, v, normalization, trt.CausalMaskKind.NONE).get_output(0)

    suite.add("ATTENTION_INPUT", "no-softmax-fused-f16", fused, [q, k, v])
    dynamic = dict.fromkeys(range(3), (0, 2))
    suite.add("ATTENTION_INPUT", "dynamic", _attend(), [q, k, v], dynamic)


def _caches(suite: Suite) -> None:
    for dtype in FLOATS:
        for interleaved in (False, True):
            for width in (0, 8):

                def rotary(n: Any, x: Any, c: Any, s: Any, p: Any, i: bool = interleaved, w: int = width) -> Any:
                    layer = n.add_rotary_embedding(x, c, s, i, w)
                    layer.set_input(3, p)
                    return layer

                angle = values("angle", (32, (width or 16) // 2))
                inputs = [values("x", (2, 4, 6, 16), dtype), angle.cos().to(dtype), angle.sin().to(dtype)]
                label = f"{SHORT[dtype]}-{'interleaved' if interleaved else 'halves'}-{width}"
                suite.add("ROTARY_EMBEDDING", label, rotary, [*inputs, values("p", (2, 6), I64, 0, 32)])
        angle = values("angle", (2, 6, 8))
        inputs = [values("x", (2, 4, 6, 16), dtype), angle.cos().to(dtype), angle.sin().to(dtype)]
        body = lambda n, x, c, s: n.add_rotary_embedding(x, c, s, False, 0)  # noqa: E731
        suite.add("ROTARY_EMBEDDING", f"{SHORT[dtype]}-no-positions", body, inputs)
        inputs = [
            values("c", (2, 4, 32, 16), dtype),
            values("u", (2, 4, 3, 16), dtype),
            torch.tensor([5, 0], dtype=I32),
        ]
        update = lambda n, c, u, w: n.add_kv_cache_update(c, u, w, trt.KVCacheMode.LINEAR)  # noqa: E731
        suite.add("KV_CACHE_UPDATE", SHORT[dtype], update, inputs)
