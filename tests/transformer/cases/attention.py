"""Scaled dot-product attention, as the layer and as plain products, and the models that are built around it.

In eval mode torch.nn's attention modules export as linear layers and scaled dot-product attention.  Rotary embeddings,
relative position biases and caches of keys and values are plain operators that must work together: patterns that models
write, whose converters are those of torch2trt-ops-base.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, b8, f32, i64

from . import _models as models

torch.manual_seed(0)
HALVES = (torch.float32, torch.float16, torch.bfloat16)
N = {0: "n"}
NL = {0: "n", 2: "l"}
NS = {0: "n", 2: "s"}
QKV = [f32(2, 4, 5, 8)] * 3
CROSS = [f32(2, 4, 3, 8), f32(2, 4, 5, 8), f32(2, 4, 5, 8)]
GROUPED = [f32(2, 4, 3, 8), f32(2, 2, 5, 8), f32(2, 2, 5, 8)]
NARROW = [f32(2, 4, 3, 8), f32(2, 4, 5, 8), f32(2, 4, 5, 6)]
X, Y = f32(2, 5, 8), f32(2, 3, 8)
OF_X, OF_Y = {0: "n", 1: "l"}, {0: "n", 1: "s"}
PADDING = torch.tensor([[False, False, False, True, True], [False] * 5])
QUERY = f32(2, 2, 5, 8)
STEP = [f32(2, 2, 1, 8), f32(2, 2, 1, 8), f32(2, 2, 6, 8), torch.tensor([3])]
STEPS = [N, N, N, None]
DYNAMIC_CACHE = [None, None, {2: "s"}, None]
LAYER = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)


def sdpa(name, inputs, call=F.scaled_dot_product_attention, **options):
    return Case("aten.scaled_dot_product_attention.default", call, inputs, name=name, **options)


def call(**options):
    return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options)


def masked(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, mask)


def grouped_and_masked(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)


def expanded(tensor):
    batch, heads, length, width = tensor.shape
    return tensor[:, :, None].expand(batch, heads, 2, length, width).reshape(batch, heads * 2, length, width)


def repeated_and_masked(q, k, v, mask):
    return F.scaled_dot_product_attention(q, expanded(k), expanded(v), mask)


def interleaved(q, k, v):
    return F.scaled_dot_product_attention(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, -3), is_causal=True)


def in_turns(q, k, v):
    return F.scaled_dot_product_attention(q, k.repeat(1, 2, 1, 1), v.repeat(1, 2, 1, 1))


def mixed(q, k, v):
    return F.scaled_dot_product_attention(q, expanded(k), v.repeat(1, 2, 1, 1))


def along_the_length(q, k, v):
    return F.scaled_dot_product_attention(q, k.repeat_interleave(2, 2), v.repeat_interleave(2, 2))


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


def mha(name, module, inputs, **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=f"mha, {name}", **options)


def weights(name, module, inputs, **options):
    # without the fused operator there are plain products
    return Case("aten.softmax.int", module, inputs, name=f"mha, {name}", whole=False, **options)


def encoder(name, module, inputs=(X,), **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=f"encoder, {name}", **options)


def decoder(name, module, inputs=(X, Y), **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=f"decoder, {name}", **options)


def pattern(target, name, call, inputs, **options):
    return Case(f"aten.{target}", call, inputs, name=name, whole=False, **options)


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
    # heads that the model repeats
    sdpa("repeated, mask", [*GROUPED, b8(2, 1, 3, 5)], repeated_and_masked, dynamic=[N] * 4, dtypes=HALVES),
    sdpa("repeated, causal", GROUPED, interleaved, dynamic=[NL, NS, NS]),
    sdpa("repeated in turns", GROUPED, in_turns, dynamic=[NL, NS, NS]),
    sdpa("repeated, values in turns", GROUPED, mixed, dynamic=[NL, NS, NS]),
    sdpa("repeated keys", CROSS, along_the_length, dynamic=[NL, NS, NS]),
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
    Case("aten._scaled_dot_product_attention_math.default", by_products, CROSS, dynamic=[NL, NS, NS], whole=False),
    # torch.nn's modules
    mha("self", models.SelfAttention(), [X], dynamic=OF_X),
    mha("cross", models.Attention(), [X, Y], dynamic=[OF_X, OF_Y]),
    mha("no bias", models.Attention(bias=False), [X, Y], dynamic=[OF_X, OF_Y]),
    mha("other widths", models.OtherWidths(), [X, f32(2, 3, 6), f32(2, 3, 4)], dynamic=[OF_X, OF_Y, OF_Y]),
    mha("bool mask", models.Attention(), [X, Y, torch.eye(5, 3, dtype=torch.bool)], dynamic=[{0: "n"}, {0: "n"}, None]),
    mha("float mask", models.Attention(), [X, Y, f32(5, 3)], dynamic=[OF_X, OF_Y, {0: "l", 1: "s"}]),
    mha("padding", models.SelfAttention(), [X, PADDING]),
    mha("lengths", models.Lengths(), [X, i64(2, low=1, high=6)], dynamic=[OF_X, {0: "n"}]),
    mha("extra key", models.Attention(add_bias_kv=True), [X, Y], dynamic=[{1: "l"}, {1: "s"}]),
    mha("zero attention", models.Attention(add_zero_attn=True), [X, Y]),
    weights("weights", models.Attention(need_weights=True), [X, Y], dynamic=[OF_X, OF_Y]),
    weights("weights of each head", models.Attention(need_weights=True, average=False), [X, Y], dynamic=[OF_X, OF_Y]),
    weights(
        "weights, mask", models.Attention(need_weights=True), [X, Y, f32(5, 3)], dynamic=[{0: "n"}, {0: "n"}, None]
    ),
    encoder("layer", LAYER, dynamic=OF_X),
    encoder("sequence first", nn.TransformerEncoderLayer(8, 2, 16), [f32(5, 2, 8)], dynamic={0: "l", 1: "n"}),
    encoder("one sequence", LAYER, [f32(5, 8)], dynamic={0: "l"}),
    encoder("norm first", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), dynamic=OF_X),
    encoder("gelu", nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True), dynamic=OF_X),
    encoder("no bias", nn.TransformerEncoderLayer(8, 2, 16, bias=False, batch_first=True), dynamic=OF_X),
    encoder("causal", models.Causal(), dynamic={0: "n"}),
    encoder("two layers", nn.TransformerEncoder(LAYER, 2, nn.LayerNorm(8), False), dynamic=OF_X),
    encoder("padding", models.Padded(2), [X, PADDING]),
    decoder("layer", nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), dynamic=[OF_X, OF_Y]),
    decoder("causal", models.Memory(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)), dynamic=[{0: "n"}, OF_Y]),
    decoder(
        "two layers",
        nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2),
        dynamic=[OF_X, OF_Y],
    ),
    decoder("whole transformer", nn.Transformer(8, 2, 1, 1, 16, batch_first=True), [Y, X], dynamic=[OF_Y, OF_X]),
    # rotary embeddings, position biases and caches
    pattern("mul.Tensor", "rotary, halves", models.rotary_halves, [QUERY], dynamic=NL),
    pattern("mul.Tensor", "rotary, neighbours", models.rotary_neighbors, [QUERY], dynamic=NL),
    pattern(
        "mul.Tensor",
        "rotary, given positions",
        models.rotary_of_positions,
        [QUERY, i64(2, 5, low=0, high=9)],
        dynamic=[NL, {0: "n", 1: "l"}],
    ),
    pattern("mul.Tensor", "rotary, a part of the width", models.partly_rotary, [QUERY], dynamic=NL),
    pattern("mul.Tensor", "rotary, table", models.RotaryTable(), [QUERY], dynamic=NL),
    pattern("embedding.default", "relative bias, both sides", models.RelativeBias(True), [QUERY], dynamic=NL),
    pattern("embedding.default", "relative bias, looking back", models.RelativeBias(False), [QUERY], dynamic=NL),
    pattern("sub.Tensor", "linear bias", models.LinearBias(), [QUERY], dynamic=NL),
    pattern(
        "embedding.default", "learned positions", models.LearnedPositions(), [f32(2, 5, 8)], dynamic={0: "n", 1: "l"}
    ),
    pattern(
        "cat.default",
        "grown cache",
        models.grown,
        [*STEP[:2], f32(2, 2, 4, 8)],
        dynamic=[N, N, NL],
    ),
    pattern(
        "index_copy.default",
        "cache, index_copy",
        models.Cache(lambda cache, update, position: cache.index_copy(2, position, update)),
        STEP,
        dynamic=DYNAMIC_CACHE,
        dynamic_min=4,
    ),
    pattern(
        "index_put.default",
        "cache, assignment",
        models.Cache(models.assigned),
        STEP,
        dynamic=DYNAMIC_CACHE,
        dynamic_min=4,
    ),
    pattern(
        "scatter.src",
        "cache, scatter",
        models.Cache(lambda c, u, p: c.scatter(2, p[:, None].expand(u.shape[0], u.shape[1], 1, u.shape[3]), u)),
        STEP,
        dynamic=STEPS,
    ),
    pattern(
        "where.self",
        "cache, where",
        models.Cache(lambda c, u, p: torch.where((torch.arange(c.shape[2], device=c.device) == p)[:, None], u, c)),
        STEP,
        dynamic=DYNAMIC_CACHE,
        dynamic_min=4,
    ),
    pattern(
        "slice_scatter.default",
        "cache, fixed place",
        models.by_slice,
        [f32(2, 2, 6, 8), f32(2, 2, 3, 8)],
        dynamic=[N, N],
    ),
]
