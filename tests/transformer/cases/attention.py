"""Scaled dot-product attention, as the layer and as plain products."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, b8, f32

HALVES = (torch.float32, torch.float16, torch.bfloat16)
N = {0: "n"}
NL = {0: "n", 2: "l"}
NS = {0: "n", 2: "s"}
QKV = [f32(2, 4, 5, 8)] * 3
CROSS = [f32(2, 4, 3, 8), f32(2, 4, 5, 8), f32(2, 4, 5, 8)]
GROUPED = [f32(2, 4, 3, 8), f32(2, 2, 5, 8), f32(2, 2, 5, 8)]
NARROW = [f32(2, 4, 3, 8), f32(2, 4, 5, 8), f32(2, 4, 5, 6)]


def sdpa(name, inputs, call=F.scaled_dot_product_attention, **options):
    return Case("aten.scaled_dot_product_attention.default", call, inputs, name=name, **options)


def call(**options):
    return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options)


def masked(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, mask)


def grouped_and_masked(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)


def additive(q, k, v, keep):
    return F.scaled_dot_product_attention(q, k, v, torch.where(keep, 0.0, -torch.inf).to(q.dtype))


def one_row_hidden(q, k, v):
    mask = torch.ones(3, 5, dtype=torch.bool)
    mask[1] = False
    return F.scaled_dot_product_attention(q, k, v, mask)


def last_keys_hidden(q, k, v):
    mask = torch.zeros(3, 5)
    mask[:, 3:] = -torch.inf
    mask[0] = -torch.inf
    return F.scaled_dot_product_attention(q, k, v, mask.to(q.dtype))


def padding(q, k, v, lengths):
    keep = torch.arange(k.shape[2], device=k.device) < lengths[:, None]
    return F.scaled_dot_product_attention(q, k, v, keep[:, None, None])


def by_products(q, k, v):
    return torch.ops.aten._scaled_dot_product_attention_math(q, k, v)[0]


CASES = [
    # the layer
    sdpa("self", QKV, dynamic=[NL] * 3, dtypes=HALVES),
    sdpa("other length", CROSS, dynamic=[NL, NS, NS]),
    sdpa("one query", [f32(2, 4, 1, 8), f32(2, 4, 5, 8), f32(2, 4, 5, 8)], dynamic=[N, NS, NS]),
    sdpa("one key", [f32(2, 4, 5, 8), f32(2, 4, 1, 8), f32(2, 4, 1, 8)], dynamic=[NL, N, N]),
    sdpa("width 3", [f32(2, 2, 4, 3)] * 3, dynamic=[NL] * 3),
    sdpa("scale", QKV, call(scale=0.3), dynamic=[NL] * 3),
    sdpa("scale 1", QKV, call(scale=1.0), dynamic=[NL] * 3),
    sdpa("causal", QKV, call(is_causal=True), dynamic=[NL] * 3, dtypes=HALVES),
    sdpa("causal, more keys", CROSS, call(is_causal=True), dynamic=[NL, NS, NS]),
    sdpa("causal, fewer keys", [CROSS[1], CROSS[0], CROSS[0]], call(is_causal=True), dynamic=[NL, NS, NS]),
    sdpa("grouped", GROUPED, call(enable_gqa=True), dynamic=[NL, NS, NS]),
    sdpa("grouped, causal", GROUPED, call(enable_gqa=True, is_causal=True), dynamic=[NL, NS, NS]),
    sdpa("one key head", [QKV[0], f32(2, 1, 5, 8), f32(2, 1, 5, 8)], call(enable_gqa=True), dynamic=[NL] * 3),
    sdpa("three dims", [f32(2, 5, 8)] * 3, dynamic=[{0: "n", 1: "l"}] * 3),
    sdpa("three dims, causal", [f32(2, 5, 8)] * 3, call(is_causal=True), dynamic=[{0: "n", 1: "l"}] * 3),
    sdpa("three dims, mask of each", [f32(2, 5, 8)] * 3 + [f32(2, 5, 5)], masked, dynamic=[{0: "n"}] * 4),
    sdpa("bool mask", [*CROSS, b8(2, 4, 3, 5)], masked, dynamic=[NL, NS, NS, {0: "n", 2: "l", 3: "s"}]),
    sdpa("bool mask for all", [*CROSS, b8(3, 5)], masked, dynamic=[NL, NS, NS, {0: "l", 1: "s"}]),
    sdpa("bool mask of each head", [*CROSS, b8(4, 3, 5)], masked, dynamic=[NL, NS, NS, {1: "l", 2: "s"}]),
    sdpa("bool mask of keys", [*CROSS, b8(2, 1, 1, 5)], masked, dynamic=[NL, NS, NS, {0: "n", 3: "s"}]),
    sdpa("float mask", [*CROSS, f32(2, 1, 3, 5)], masked, dynamic=[NL, NS, NS, {0: "n", 2: "l", 3: "s"}]),
    sdpa("float mask for all", [*CROSS, f32(3, 5)], masked, dynamic=[N, N, N, None]),
    sdpa("minus infinity", [*CROSS, b8(2, 1, 3, 5)], additive, dynamic=[NL, NS, NS, {0: "n", 2: "l", 3: "s"}]),
    sdpa("a row without keys", CROSS, one_row_hidden, dynamic=[N] * 3),
    sdpa("a row of minus infinity", CROSS, last_keys_hidden, dynamic=[N] * 3),
    sdpa("padding", [*CROSS, torch.tensor([2, 5])], padding, dynamic=[{2: "l"}, {2: "s"}, {2: "s"}, None]),
    sdpa("grouped, mask", [*GROUPED, b8(2, 1, 3, 5)], grouped_and_masked, dynamic=[N] * 4),
    # products: TensorRT's layer takes neither these ranks nor these sizes
    sdpa("other value width", NARROW, dynamic=[NL, NS, NS]),
    sdpa("other value width, causal", NARROW, call(is_causal=True), dynamic=[NL, NS, NS]),
    sdpa("other value width, bool mask", [*NARROW, b8(3, 5)], masked, dynamic=[NL, NS, NS, {0: "l", 1: "s"}]),
    sdpa("other value width, float mask", [*NARROW, f32(2, 1, 3, 5)], masked, dynamic=[N] * 4),
    sdpa("other value width, a row without keys", NARROW, one_row_hidden, dynamic=[N] * 3),
    sdpa("other value width, a row of minus infinity", NARROW, last_keys_hidden, dynamic=[N] * 3),
    sdpa(
        "other value width, grouped", [GROUPED[0], GROUPED[1], f32(2, 2, 5, 6)], call(enable_gqa=True), dynamic=[N] * 3
    ),
    sdpa("two dims", [f32(5, 8)] * 3, dynamic=[{0: "l"}] * 3),
    sdpa("five dims", [f32(2, 2, 3, 4, 8)] * 3, dynamic=[{0: "n", 3: "l"}] * 3),
    sdpa("one batch of keys", [f32(2, 4, 3, 8), f32(1, 4, 5, 8), f32(1, 4, 5, 8)], dynamic=[NL, {2: "s"}, {2: "s"}]),
    sdpa("dynamic heads", QKV, dynamic=[{1: "h"}] * 3),
    # declined
    sdpa("dynamic width", QKV, dynamic=[{3: "d"}] * 3, static=False, rejects="the width of a head is dynamic"),
    sdpa(
        "dynamic grouped heads",
        QKV,
        call(enable_gqa=True),
        dynamic=[{1: "h"}] * 3,
        static=False,
        rejects="the number of heads must be static",
    ),
    sdpa("dropout", QKV, call(dropout_p=0.1), rejects="dropout is active"),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)[0],
        CROSS,
        dynamic=[NL, NS, NS],
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v, mask: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            q, k, v, attn_mask=mask, scale=0.5
        )[0],
        [*CROSS, f32(2, 1, 3, 5)],
        dynamic=[N] * 4,
        name="mask",
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, True)[0],
        QKV,
        dynamic=[NL] * 3,
        name="causal",
    ),
    Case(
        "aten._scaled_dot_product_flash_attention_for_cpu.default",
        lambda q, k, v: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.5)[0],
        QKV,
        name="dropout",
        rejects="dropout is active",
    ),
    Case("aten._scaled_dot_product_attention_math.default", by_products, CROSS, dynamic=[NL, NS, NS], whole=False),
]
