"""torch.nn's attention modules: in eval mode they export as linear layers and scaled dot-product attention."""

import torch
from torch import nn
from torch2trt.testing import Case, f32, i64

torch.manual_seed(0)
NL = {0: "n", 1: "l"}
NS = {0: "n", 1: "s"}
X, Y = f32(2, 5, 8), f32(2, 3, 8)


class Attention(nn.Module):
    """Attention of x to y."""

    def __init__(self, need_weights=False, average=True, is_causal=False, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)
        self.call = {"need_weights": need_weights, "average_attn_weights": average, "is_causal": is_causal}

    def forward(self, x, y, attn_mask=None):
        output, weights = self.attention(x, y, y, attn_mask=attn_mask, **self.call)
        return output if weights is None else (output, weights)


class SelfAttention(Attention):
    """Attention of x to itself."""

    def forward(self, x, padding=None):
        output, weights = self.attention(x, x, x, key_padding_mask=padding, **self.call)
        return output if weights is None else (output, weights)


class Lengths(SelfAttention):
    """Padding from the lengths of the sequences."""

    def forward(self, x, lengths):
        return super().forward(x, torch.arange(x.shape[1], device=x.device) >= lengths[:, None])


class OtherWidths(nn.Module):
    """Keys and values of widths of their own."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True)

    def forward(self, x, k, v):
        return self.attention(x, k, v, need_weights=False)[0]


class Causal(nn.Module):
    """A decoder without memory."""

    def __init__(self, **options):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(5)
        return self.layer(x, src_mask=mask.to(x.dtype), is_causal=True)


class Padded(nn.Module):
    """An encoder with a padding mask."""

    def __init__(self, layers):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, x, padding):
        return self.encoder(x, src_key_padding_mask=padding)


class Memory(nn.Module):
    """A decoder with a causal mask."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, memory):
        mask = nn.Transformer.generate_square_subsequent_mask(5).to(x.dtype)
        return self.layer(x, memory, tgt_mask=mask, tgt_is_causal=True)


def mha(name, module, inputs, **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=f"mha, {name}", **options)


def weights(name, module, inputs, **options):
    # without the fused operator there are plain products
    return Case("aten.softmax.int", module, inputs, name=f"mha, {name}", whole=False, **options)


def encoder(name, module, inputs=(X,), **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=f"encoder, {name}", **options)


def decoder(name, module, inputs=(X, Y), **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=f"decoder, {name}", **options)


PADDING = torch.tensor([[False, False, False, True, True], [False] * 5])
LAYER = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

CASES = [
    mha("self", SelfAttention(), [X], dynamic=NL),
    mha("cross", Attention(), [X, Y], dynamic=[NL, NS]),
    mha("no bias", Attention(bias=False), [X, Y], dynamic=[NL, NS]),
    mha("other widths", OtherWidths(), [X, f32(2, 3, 6), f32(2, 3, 4)], dynamic=[NL, NS, NS]),
    mha("bool mask", Attention(), [X, Y, torch.eye(5, 3, dtype=torch.bool)], dynamic=[{0: "n"}, {0: "n"}, None]),
    mha("float mask", Attention(), [X, Y, f32(5, 3)], dynamic=[NL, NS, {0: "l", 1: "s"}]),
    mha("padding", SelfAttention(), [X, PADDING]),
    mha("lengths", Lengths(), [X, i64(2, low=1, high=6)], dynamic=[NL, {0: "n"}]),
    mha("extra key", Attention(add_bias_kv=True), [X, Y], dynamic=[{1: "l"}, {1: "s"}]),
    mha("zero attention", Attention(add_zero_attn=True), [X, Y]),
    weights("weights", Attention(need_weights=True), [X, Y], dynamic=[NL, NS]),
    weights("weights of each head", Attention(need_weights=True, average=False), [X, Y], dynamic=[NL, NS]),
    weights("weights, mask", Attention(need_weights=True), [X, Y, f32(5, 3)], dynamic=[{0: "n"}, {0: "n"}, None]),
    encoder("layer", LAYER, dynamic=NL),
    encoder("sequence first", nn.TransformerEncoderLayer(8, 2, 16), [f32(5, 2, 8)], dynamic={0: "l", 1: "n"}),
    encoder("one sequence", LAYER, [f32(5, 8)], dynamic={0: "l"}),
    encoder("norm first", nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True), dynamic=NL),
    encoder("gelu", nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True), dynamic=NL),
    encoder("no bias", nn.TransformerEncoderLayer(8, 2, 16, bias=False, batch_first=True), dynamic=NL),
    encoder("causal", Causal(), dynamic={0: "n"}),
    encoder("two layers", nn.TransformerEncoder(LAYER, 2, nn.LayerNorm(8), False), dynamic=NL),
    encoder("padding", Padded(2), [X, PADDING]),
    decoder("layer", nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), dynamic=[NL, NS]),
    decoder("causal", Memory(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)), dynamic=[{0: "n"}, NS]),
    decoder(
        "two layers",
        nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2),
        dynamic=[NL, NS],
    ),
    decoder("whole transformer", nn.Transformer(8, 2, 1, 1, 16, batch_first=True), [Y, X], dynamic=[NS, NL]),
]
