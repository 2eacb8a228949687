"""The models of the rows of attention: torch.nn's modules, and what models write around them."""

import torch
import torch.nn.functional as F
from torch import nn


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


def angles(positions, width):
    frequencies = 100.0 ** -(torch.arange(0, width, 2, device=positions.device) / width)
    return positions[..., None].float() * frequencies


def rotate_half(x):
    first, second = x.chunk(2, -1)
    return torch.cat((-second, first), -1)


def rotary_halves(x):
    angle = angles(torch.arange(x.shape[2], device=x.device), x.shape[3])
    angle = torch.cat((angle, angle), -1)
    return x * angle.cos().to(x.dtype) + rotate_half(x) * angle.sin().to(x.dtype)


def rotary_neighbors(x):
    angle = angles(torch.arange(x.shape[2], device=x.device), x.shape[3])
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


def rotary_of_positions(x, positions):
    angle = angles(positions, x.shape[3])[:, None]
    angle = torch.cat((angle, angle), -1)
    return x * angle.cos().to(x.dtype) + rotate_half(x) * angle.sin().to(x.dtype)


def partly_rotary(x):
    return torch.cat((rotary_halves(x[..., :4]), x[..., 4:]), -1)


class RotaryTable(nn.Module):
    """A table of angles made once, of which the first are taken."""

    def __init__(self):
        super().__init__()
        angle = angles(torch.arange(16), 8)
        self.register_buffer("cos", angle.cos().repeat(1, 2))
        self.register_buffer("sin", angle.sin().repeat(1, 2))

    def forward(self, x):
        length = x.shape[2]
        return x * self.cos[:length] + rotate_half(x) * self.sin[:length]


class RelativeBias(nn.Module):
    """T5's bias: one number for each head and bucket of distances."""

    def __init__(self, two_sided):
        super().__init__()
        self.two_sided = two_sided
        self.table = nn.Embedding(8, 2)

    def buckets(self, distance):
        count = 8
        first = torch.zeros_like(distance)
        if self.two_sided:
            count //= 2
            first = first + (distance > 0).long() * count
            distance = distance.abs()
        else:
            distance = -torch.min(distance, torch.zeros_like(distance))
        exact = count // 2
        far = exact + (torch.log(distance.float() / exact) / 3.0 * (count - exact)).long()
        far = torch.min(far, torch.full_like(far, count - 1))
        return first + torch.where(distance < exact, distance, far)

    def forward(self, x):
        position = torch.arange(x.shape[2], device=x.device)
        bias = self.table(self.buckets(position[None] - position[:, None])).permute(2, 0, 1)[None]
        return F.scaled_dot_product_attention(x, x, x, bias.expand(x.shape[0], -1, -1, -1))


class LinearBias(nn.Module):
    """ALiBi: each head looks less far back than the one before."""

    def forward(self, x):
        position = torch.arange(x.shape[2], device=x.device)
        distance = (position[None] - position[:, None]).to(x.dtype)
        slopes = torch.tensor([0.5, 0.25], device=x.device, dtype=x.dtype)[:, None, None]
        return F.scaled_dot_product_attention(x, x, x, (distance * slopes)[None])


class LearnedPositions(nn.Module):
    """A table of positions, added."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(16, 8)

    def forward(self, x):
        return x + self.table(torch.arange(x.shape[1], device=x.device))


class Cache(nn.Module):
    """One step of attention to a cache of fixed length, written in a way that models write it."""

    def __init__(self, write):
        super().__init__()
        self.write = write

    def forward(self, query, update, cache, position):
        cache = self.write(cache, update, position)
        keep = torch.arange(cache.shape[2], device=cache.device) <= position
        return F.scaled_dot_product_attention(query, cache, cache, keep[None, None, None]), cache


def grown(query, update, past):
    cache = torch.cat((past, update), 2)
    return F.scaled_dot_product_attention(query, cache, cache), cache


def assigned(cache, update, position):
    cache = cache.clone()
    cache[:, :, position] = update
    return cache


def by_slice(cache, update):
    return torch.ops.aten.slice_scatter(cache, update, 2, 2, 5)
