"""Rotary embeddings, relative position biases and caches of keys and values: plain operators that must work together.

Their converters are those of torch2trt-ops-base; these rows are the patterns that models write.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32, i64

torch.manual_seed(0)
N = {0: "n"}
NL = {0: "n", 2: "l"}
QUERY = f32(2, 2, 5, 8)
aten = torch.ops.aten


def pattern(target, name, call, inputs, **options):
    return Case(f"aten.{target}", call, inputs, name=name, whole=False, **options)


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


def rotary_neighbours(x):
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
        found = torch.zeros_like(distance)
        if self.two_sided:
            count //= 2
            found = found + (distance > 0).long() * count
            distance = distance.abs()
        else:
            distance = -torch.min(distance, torch.zeros_like(distance))
        exact = count // 2
        far = exact + (torch.log(distance.float() / exact) / 3.0 * (count - exact)).long()
        far = torch.min(far, torch.full_like(far, count - 1))
        return found + torch.where(distance < exact, distance, far)

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
    return aten.slice_scatter(cache, update, 2, 2, 5)


STEP = [f32(2, 2, 1, 8), f32(2, 2, 1, 8), f32(2, 2, 6, 8), torch.tensor([3])]
STEPS = [N, N, N, None]
DYNAMIC_CACHE = [None, None, {2: "s"}, None]

CASES = [
    pattern("mul.Tensor", "rotary, halves", rotary_halves, [QUERY], dynamic=NL),
    pattern("mul.Tensor", "rotary, neighbours", rotary_neighbours, [QUERY], dynamic=NL),
    pattern(
        "mul.Tensor",
        "rotary, given positions",
        rotary_of_positions,
        [QUERY, i64(2, 5, low=0, high=9)],
        dynamic=[NL, {0: "n", 1: "l"}],
    ),
    pattern("mul.Tensor", "rotary, a part of the width", partly_rotary, [QUERY], dynamic=NL),
    pattern("mul.Tensor", "rotary, table", RotaryTable(), [QUERY], dynamic=NL),
    pattern("embedding.default", "relative bias, both sides", RelativeBias(True), [QUERY], dynamic=NL),
    pattern("embedding.default", "relative bias, looking back", RelativeBias(False), [QUERY], dynamic=NL),
    pattern("sub.Tensor", "linear bias", LinearBias(), [QUERY], dynamic=NL),
    pattern("embedding.default", "learned positions", LearnedPositions(), [f32(2, 5, 8)], dynamic={0: "n", 1: "l"}),
    pattern(
        "cat.default",
        "grown cache",
        grown,
        [*STEP[:2], f32(2, 2, 4, 8)],
        dynamic=[N, N, NL],
    ),
    pattern(
        "index_copy.default",
        "cache, index_copy",
        Cache(lambda cache, update, position: cache.index_copy(2, position, update)),
        STEP,
        dynamic=DYNAMIC_CACHE,
        dynamic_min=4,
    ),
    pattern(
        "index_put.default",
        "cache, assignment",
        Cache(assigned),
        STEP,
        dynamic=DYNAMIC_CACHE,
        dynamic_min=4,
    ),
    pattern(
        "scatter.src",
        "cache, scatter",
        Cache(lambda c, u, p: c.scatter(2, p[:, None].expand(u.shape[0], u.shape[1], 1, u.shape[3]), u)),
        STEP,
        dynamic=STEPS,
    ),
    pattern(
        "where.self",
        "cache, where",
        Cache(lambda c, u, p: torch.where((torch.arange(c.shape[2], device=c.device) == p)[:, None], u, c)),
        STEP,
        dynamic=DYNAMIC_CACHE,
        dynamic_min=4,
    ),
    pattern(
        "slice_scatter.default", "cache, fixed place", by_slice, [f32(2, 2, 6, 8), f32(2, 2, 3, 8)], dynamic=[N, N]
    ),
]
