"""Attention where TensorRT has no layer of that name."""

import pytest
import torch
import torch.nn.functional as F
from torch2trt import convert, trt

QKV = [torch.linspace(-1, 1, 2 * 4 * 5 * 8).reshape(2, 4, 5, 8)] * 3


def layers(converted):
    return {converted.network.get_layer(index).type for index in range(converted.network.num_layers)}


@pytest.mark.parametrize(
    "options",
    [{}, {"is_causal": True}, {"attn_mask": torch.ones(5, 5, dtype=torch.bool).triu()}, {"scale": 0.5}],
    ids=["plain", "causal", "mask", "scale"],
)
def test_tensorrt_without_attention(options, monkeypatch):
    def attention(query, key, value):
        return F.scaled_dot_product_attention(query, key, value, **options)

    assert trt.LayerType.ATTENTION_INPUT in layers(convert(attention, QKV, build=False))
    monkeypatch.delattr(trt.INetworkDefinition, "add_attention")
    converted = convert(attention, QKV, build=False)
    assert trt.LayerType.SOFTMAX in layers(converted)
    torch.testing.assert_close(converted(*QKV), attention(*QKV))


def test_grouped_heads_without_attention(monkeypatch):
    def attention(query, key, value):
        return F.scaled_dot_product_attention(query, key, value, enable_gqa=True)

    inputs = [QKV[0], QKV[1][:, :2], QKV[2][:, 2:]]
    monkeypatch.delattr(trt.INetworkDefinition, "add_attention")
    torch.testing.assert_close(convert(attention, inputs, build=False)(*inputs), attention(*inputs))
