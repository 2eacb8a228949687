"""ATTENTION_INPUT, ROTARY_EMBEDDING, KV_CACHE_UPDATE, QUANTIZE, DEQUANTIZE and DYNAMIC_QUANTIZE."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt._trt import trt

from .base import BF16, BOOL, F16, F32, FLOATS, I32, I64, SHORT, Case, Suite, constant, scalar, trt_type, values


def cases() -> list[Case]:
    """Masks, causal kinds, grouped heads; scales for a tensor, an axis and blocks."""
    suite = Suite()
    _attention(suite)
    _caches(suite)
    _quantization(suite)
    return suite.cases


def _attention(suite: Suite) -> None:
    def body(kind: str = "NONE", normalize: str = "SOFTMAX") -> Any:
        def build(n: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
            norm = getattr(trt.AttentionNormalizationOp, normalize)
            attention = n.add_attention_v2(q, k, v, norm, getattr(trt.CausalMaskKind, kind))
            attention.decomposable = True
            if mask is not None:
                attention.mask = mask
            return attention.get_output(0)

        return build

    def heads(count: int, tokens: int, dtype: torch.dtype, label: str) -> torch.Tensor:
        return values(label, (2, count, tokens, 16), dtype) * (0.25 if label == "q" else 1)

    for dtype in FLOATS:
        q, k, v = (heads(4, 8, dtype, name) for name in "qkv")
        suite.add("ATTENTION_INPUT", f"plain-{SHORT[dtype]}", body(), [q, k, v])
        suite.add("ATTENTION_INPUT", f"added-mask-{SHORT[dtype]}", body(), [q, k, v, values("m", (2, 4, 8, 8), dtype)])
        keep = values("m", (1, 1, 8, 8), BOOL) | torch.eye(8, dtype=BOOL)
        suite.add("ATTENTION_INPUT", f"mask-{SHORT[dtype]}", body(), [q, k, v, keep])
        for kind in ("UPPER_LEFT", "LOWER_RIGHT"):
            suite.add("ATTENTION_INPUT", f"{kind}-{SHORT[dtype]}", body(kind), [q, k, v])
            short = heads(4, 3, dtype, "q")
            suite.add("ATTENTION_INPUT", f"{kind}-short-{SHORT[dtype]}", body(kind), [short, k, v])
        suite.add("ATTENTION_INPUT", f"no-softmax-{SHORT[dtype]}", body(normalize="NONE"), [q, k, v])
        grouped = [q, heads(2, 8, dtype, "k"), heads(2, 8, dtype, "v")]
        suite.add("ATTENTION_INPUT", f"grouped-{SHORT[dtype]}", body(), grouped)

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
        cut = [heads(4, 8, dtype, "q"), heads(4, 8, dtype, "k"), heads(4, 8, dtype, "v")]
        cut.append(torch.tensor([3, 8], dtype=I32))
        suite.add("ATTENTION_INPUT", f"key-lengths-{SHORT[dtype]}", with_lengths, cut)
    q, k, v = (heads(4, 8, F16, name) for name in "qkv")

    def fused(n: Any, q: Any, k: Any, v: Any) -> Any:
        normalization = trt.AttentionNormalizationOp.NONE
        return n.add_attention_v2(q, k, v, normalization, trt.CausalMaskKind.NONE).get_output(0)

    suite.add("ATTENTION_INPUT", "no-softmax-fused-f16", fused, [q, k, v])
    dynamic = dict.fromkeys(range(3), (0, 2))
    suite.add("ATTENTION_INPUT", "dynamic", body(), [q, k, v], dynamic)


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


def _quantization(suite: Suite) -> None:
    def scales(label: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return (values(label, shape).abs() * 0.05 + 0.02).to(dtype)

    layouts = {"tensor": (), "axis": (6,), "block": (6, 3)}
    for dtype in FLOATS:
        for target in ("INT8", "FP8", "INT4", "FP4"):
            for layout, shape in layouts.items():
                if layout != "block" and target in ("INT4", "FP4"):
                    continue
                scale = scales("scale", shape, dtype)

                def round_trip(n: Any, x: Any, target: str = target, scale: torch.Tensor = scale) -> Any:
                    kind = getattr(trt.DataType, target)
                    quantized = n.add_quantize(x, constant(n, scale), kind)
                    restored = n.add_dequantize(quantized.get_output(0), constant(n, scale), x.dtype)
                    for layer in (quantized, restored):
                        layer.axis = 1 if scale.dim() == 1 else 0
                        if scale.dim() == 2 and target in ("INT8", "FP8"):
                            layer.block_shape = (1, 16)
                    return restored

                label = f"{target}-{layout}-{SHORT[dtype]}"
                shape = (6, 48) if layout == "block" else (4, 6, 5)
                suite.add("QUANTIZE", label, round_trip, [values("q", shape, dtype) * 2])
                if target == "INT8":  # beside ties, where a division and a product with the reciprocal differ
                    halves = values("halves", (6, 48) if layout == "block" else (40, 6, 5), I32, -120, 120) + 0.5
                    each = (
                        scale.repeat_interleave(16, 1) if layout == "block" else scale.reshape(-1, *[1] * scale.dim())
                    )
                    x = (halves * each.float()).to(dtype)
                    suite.add("QUANTIZE", f"{label}-halves", round_trip, [x])
        packed = values("int4", (6, 24), torch.uint8, 0, 256)

        def four_bit(n: Any, x: Any, packed: torch.Tensor = packed, dtype: torch.dtype = dtype) -> Any:
            whole = n.add_constant((6, 48), trt.Weights(trt.int4, packed.data_ptr(), 6 * 48)).get_output(0)
            layer = n.add_dequantize(whole, constant(n, scales("scale", (6, 3), dtype)), trt_type(dtype))
            return n.add_elementwise(x, layer.get_output(0), trt.ElementWiseOperation.SUM)

        suite.add("DEQUANTIZE", f"INT4-block-{SHORT[dtype]}", four_bit, [values("x", (6, 48), dtype)])
        for layout in ("tensor", "axis"):
            scale = scales("scale", layouts[layout], dtype)

            def restore(n: Any, x: Any, scale: torch.Tensor = scale, dtype: torch.dtype = dtype) -> Any:
                layer = n.add_dequantize(x, constant(n, scale), trt_type(dtype))
                layer.axis = 1
                return layer

            x = values("d", (4, 6, 5), torch.int8, -128, 128)
            suite.add("DEQUANTIZE", f"INT8-{layout}-{SHORT[dtype]}", restore, [x])

        def only(n: Any, x: Any, dtype: torch.dtype = dtype) -> Any:
            return n.add_quantize(x, scalar(n, 0.03125, dtype), trt.int8)

        ties = torch.arange(-12, 12).to(dtype) * (0.03125 / 2)
        suite.add("QUANTIZE", f"INT8-ties-{SHORT[dtype]}", only, [torch.cat((ties, ties * 500))])

        def nvfp4(n: Any, x: Any) -> Any:
            layer = n.add_dynamic_quantize(x, 1, 16, trt.fp4, trt.fp8)
            layer.set_input(1, scalar(n, 0.01, F32))
            kind = trt.float32
            scale = n.add_dequantize(layer.get_output(1), scalar(n, 0.01, F32), kind).get_output(0)
            restored = n.add_dequantize(layer.get_output(0), scale, kind)
            restored.block_shape = (1, 16)
            return restored

        def mxfp8(n: Any, x: Any) -> Any:
            layer = n.add_dynamic_quantize(x, 1, 32, trt.fp8, trt.e8m0)
            restored = n.add_dequantize(layer.get_output(0), layer.get_output(1), trt.float32)
            restored.block_shape = (1, 32)
            return restored

        suite.add("DYNAMIC_QUANTIZE", f"nvfp4-{SHORT[dtype]}", nvfp4, [values("dq", (4, 64), dtype)])
        suite.add("DYNAMIC_QUANTIZE", f"mxfp8-{SHORT[dtype]}", mxfp8, [values("dq", (4, 64), dtype)])
