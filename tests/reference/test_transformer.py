"""ATTENTION, ROTARY_EMBEDDING and KV_CACHE_UPDATE."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generated.base import values
from nets import close, evaluate
from torch2trt._trt import trt


def attention(kind="NONE", normalize="SOFTMAX"):
    def body(network, q, k, v, mask=None):
        norm = getattr(trt.AttentionNormalizationOp, normalize)
        layer = network.add_attention_v2(q, k, v, norm, getattr(trt.CausalMaskKind, kind))
        if mask is not None:
            layer.mask = mask
        return layer.get_output(0)

    return body


def attended(q, k, v, hidden, added=0.0, softmax=True):
    """In fp64, head by head."""
    q, k, v = (t.double().numpy() for t in (q, k, v))
    groups = q.shape[1] // k.shape[1]
    result = np.zeros((*q.shape[:3], v.shape[3]))
    for batch in range(q.shape[0]):
        for head in range(q.shape[1]):
            scores = q[batch, head] @ k[batch, head // groups].T + added
            if softmax:
                scores = np.exp(np.where(hidden, -np.inf, scores))
                scores = scores / scores.sum(-1, keepdims=True)
            else:
                scores = np.where(hidden, 0, scores)
            result[batch, head] = scores @ v[batch, head // groups]
    return torch.from_numpy(result)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("kind", ["NONE", "UPPER_LEFT", "LOWER_RIGHT"])
@pytest.mark.parametrize("heads", [4, 2])
@pytest.mark.parametrize("normalize", ["SOFTMAX", "NONE"])
def test_attention(kind, heads, normalize, dtype):
    q, k, v = (
        values("q", (2, 4, 3, 8), dtype),
        values("k", (2, heads, 5, 8), dtype),
        values("v", (2, heads, 5, 8), dtype),
    )
    row, column = np.arange(3)[:, None], np.arange(5)
    hidden = {"NONE": column < 0, "UPPER_LEFT": column > row, "LOWER_RIGHT": column > row + 2}[kind] & (row >= 0)
    want = attended(q, k, v, hidden, softmax=normalize == "SOFTMAX").to(dtype)
    close(evaluate(attention(kind, normalize), q, k, v), want, rtol=2e-3, atol=2e-3)


def test_attention_masks():
    q, k, v = (values(name, (1, 2, 4, 8)) for name in "qkv")
    added, keep = values("m", (1, 1, 4, 4)), torch.tensor([[[[1, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]]]])
    hidden = np.zeros((4, 4), dtype=bool)
    close(evaluate(attention(), q, k, v, added), attended(q, k, v, hidden, added[0, 0].double().numpy()).float())
    close(evaluate(attention(), q, k, v, keep.bool()), attended(q, k, v, ~keep[0, 0].bool().numpy()).float())


def test_a_query_that_sees_nothing_gives_nan_as_in_engines():
    q, k, v = (values(name, (1, 1, 2, 8)) for name in "qkv")
    keep = torch.tensor([[[[False, False], [True, False]]]])
    got = evaluate(attention(), q, k, v, keep)
    assert got[0, 0, 0].isnan().all()
    close(got[0, 0, 1], v[0, 0, 0])


def test_key_lengths_hide_what_is_behind_them():
    q, k, v = (values(name, (2, 2, 4, 8)) for name in "qkv")

    def body(network, q, k, v, lengths):
        layer = network.add_attention_v2(q, k, v, trt.AttentionNormalizationOp.SOFTMAX, trt.CausalMaskKind.NONE)
        layer.key_value_lengths = lengths
        return layer.get_output(0)

    got = evaluate(body, q, k, v, torch.tensor([3, 1], dtype=torch.int32))
    close(got[:1], evaluate(attention(), q[:1], k[:1, :, :3].contiguous(), v[:1, :, :3].contiguous()))
    close(got[1], v[1, :, :1].expand(2, 4, 8))


@pytest.mark.parametrize("kind", ["NONE", "LOWER_RIGHT"])
@pytest.mark.parametrize("padded_keys", [False, True])
def test_packed_sequences_attend_each_to_its_own(kind, padded_keys):
    packed = trt.AttentionIOForm.PACKED_NHD
    q, k, v = values("q", (5, 4, 8)), values("k", (7, 2, 8)), values("v", (7, 2, 8))
    queries, keys = [0, 2, 5], [0, 4, 7]
    sequences = [
        [t[a[i] : a[i + 1]].transpose(0, 1)[None].contiguous() for t, a in ((q, queries), (k, keys), (v, keys))]
        for i in range(2)
    ]
    if padded_keys:
        k, v = (
            torch.cat([torch.nn.functional.pad(s[j], (0, 0, 0, 4 - s[j].shape[2])) for s in sequences]) for j in (1, 2)
        )
        keys = [4, 3]

    def body(network, q, k, v, query_lengths, key_lengths):
        layer = network.add_attention_v2(
            q, k, v, trt.AttentionNormalizationOp.SOFTMAX, getattr(trt.CausalMaskKind, kind)
        )
        layer.query_form, layer.query_lengths, layer.key_value_lengths = packed, query_lengths, key_lengths
        if not padded_keys:
            layer.key_value_form = packed
        return layer.get_output(0)

    lengths = [torch.tensor(numbers, dtype=torch.int32) for numbers in (queries, keys)]
    want = torch.cat([evaluate(attention(kind), *tensors)[0].transpose(0, 1) for tensors in sequences])
    close(evaluate(body, q, k, v, *lengths), want)


def test_packed_tokens_enter_a_cache():
    cache, update = values("c", (2, 3, 6, 4)), values("u", (5, 3, 4))

    def body(network, c, u, w, lengths):
        layer = network.add_kv_cache_update(c, u, w, trt.KVCacheMode.LINEAR)
        layer.update_form, layer.update_lengths = trt.AttentionIOForm.PACKED_NHD, lengths
        return layer

    indices, lengths = (torch.tensor(numbers, dtype=torch.int32) for numbers in ([1, 3], [0, 2, 5]))
    want = cache.clone()
    want[0, :, 1:3], want[1, :, 3:6] = update[:2].transpose(0, 1), update[2:].transpose(0, 1)
    assert torch.equal(evaluate(body, cache, update, indices, lengths), want)


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("width", [0, 4])
def test_rotary_embedding_rotates_pairs(interleaved, width):
    x, angle = values("x", (2, 3, 5, 8)), values("angle", (20, (width or 8) // 2))
    positions = values("p", (2, 5), torch.int64, 0, 20)

    def body(network, x, c, s, p):
        layer = network.add_rotary_embedding(x, c, s, interleaved, width)
        layer.set_input(3, p)
        return layer

    count = width or 8
    want = x.double().clone()
    for pair in range(count // 2):
        first, second = (2 * pair, 2 * pair + 1) if interleaved else (pair, pair + count // 2)
        turn = torch.exp(1j * angle[positions][:, None, :, pair].double())
        turned = torch.complex(x[..., first].double(), x[..., second].double()) * turn
        want[..., first], want[..., second] = turned.real, turned.imag
    close(evaluate(body, x, angle.cos(), angle.sin(), positions), want.float())


def test_kv_cache_update_writes_each_sequence_at_its_index():
    cache, update = values("c", (2, 3, 6, 4)), values("u", (2, 3, 2, 4))
    indices = torch.tensor([4, 1], dtype=torch.int32)
    got = evaluate(lambda n, c, u, w: n.add_kv_cache_update(c, u, w, trt.KVCacheMode.LINEAR), cache, update, indices)
    want = cache.clone()
    want[0, :, 4:6], want[1, :, 1:3] = update[0], update[1]
    assert torch.equal(got, want)


def test_normalized_scores_can_pass_through_fp8():
    q, k, v = (values(name, (1, 2, 4, 16), torch.float16) for name in "qkv")

    def body(network, q, k, v, scale):
        layer = network.add_attention_v2(q, k, v, trt.AttentionNormalizationOp.SOFTMAX, trt.CausalMaskKind.NONE)
        layer.normalization_quantize_scale, layer.normalization_quantize_to_type = scale, trt.fp8
        return layer.get_output(0)

    scores = torch.softmax(q.float() @ k.float().mT, -1)
    rounded = (scores * 448).to(torch.float8_e4m3fn).float() / 448
    close(evaluate(body, q, k, v, torch.tensor(1 / 448)), (rounded @ v.float()).half(), rtol=4e-3, atol=4e-3)
