"""Language models: a decoder in LLaMA's way with and without caches, BERT, T5, and torch.nn's own transformer."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32, i64

torch.manual_seed(0)
WIDTH, HEADS, KEY_HEADS, VOCABULARY = 16, 4, 2, 24


def heads(x, count):
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def rotate(x, positions):
    """Rotary embedding of (batch, heads, tokens, width) at ``positions`` (tokens,)."""
    width = x.shape[-1]
    frequencies = 100.0 ** -(torch.arange(0, width, 2, device=x.device) / width)
    angle = positions[:, None].float() * frequencies
    angle = torch.cat((angle, angle), -1)
    first, second = x.chunk(2, -1)
    return x * angle.cos().to(x.dtype) + torch.cat((-second, first), -1) * angle.sin().to(x.dtype)


class Decoder(nn.Module):
    """RMSNorm, rotary embeddings, grouped heads and SwiGLU; ``cache`` says how keys and values are kept."""

    def __init__(self, cache=None, layers=2):
        super().__init__()
        self.cache = cache
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(DecoderLayer(cache) for _ in range(layers))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-5)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, ids, caches=None, position=None):
        x = self.embedding(ids)
        positions = torch.arange(ids.shape[1], device=ids.device)
        if self.cache == "grown":
            positions = positions + caches.shape[4]
        elif self.cache == "fixed":
            positions = positions + position
        updated = []
        for index, layer in enumerate(self.layers):
            x, cache = layer(x, positions, None if caches is None else caches[index])
            updated.append(cache)
        logits = self.head(self.norm(x))
        return logits if caches is None else (logits, torch.stack(updated))


class DecoderLayer(nn.Module):
    def __init__(self, cache):
        super().__init__()
        self.cache = cache
        width = WIDTH // HEADS
        self.norm, self.mlp_norm = nn.RMSNorm(WIDTH, eps=1e-5), nn.RMSNorm(WIDTH, eps=1e-5)
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key, self.value = (nn.Linear(WIDTH, KEY_HEADS * width, bias=False) for _ in range(2))
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate, self.up = (nn.Linear(WIDTH, 24, bias=False) for _ in range(2))
        self.down = nn.Linear(24, WIDTH, bias=False)

    def forward(self, x, positions, cache):
        y = self.norm(x)
        query = rotate(heads(self.query(y), HEADS), positions)
        key, value = rotate(heads(self.key(y), KEY_HEADS), positions), heads(self.value(y), KEY_HEADS)
        if self.cache == "grown":
            key, value = torch.cat((cache[0], key), 2), torch.cat((cache[1], value), 2)
        elif self.cache == "fixed":
            key, value = (old.index_copy(2, positions, new) for old, new in zip(cache, (key, value), strict=True))
        if self.cache is None:
            attended = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        else:
            seen = torch.arange(key.shape[2], device=x.device) <= positions[:, None]
            attended = F.scaled_dot_product_attention(query, key, value, seen, enable_gqa=True)
        x = x + self.output(attended.transpose(1, 2).flatten(2))
        y = self.mlp_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), torch.stack((key, value))


class Bert(nn.Module):
    """An encoder with learned positions, token types and a padding mask, and its pooler."""

    def __init__(self):
        super().__init__()
        self.words, self.places, self.types = (nn.Embedding(count, WIDTH) for count in (VOCABULARY, 16, 2))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer() for _ in range(2))
        self.pooler = nn.Linear(WIDTH, WIDTH)

    def forward(self, ids, mask, types):
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.places(positions) + self.types(types))
        hidden = (1 - mask[:, None, None].to(x.dtype)) * torch.finfo(x.dtype).min
        for layer in self.layers:
            x = layer(x, hidden)
        return x, torch.tanh(self.pooler(x[:, 0]))


class BertLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.enter, self.leave = nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        self.norm, self.mlp_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x, hidden):
        query, key, value = (heads(part(x), HEADS) for part in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + hidden
        attended = (scores.softmax(-1) @ value).permute(0, 2, 1, 3).reshape(x.shape)
        x = self.norm(x + self.output(attended))
        return self.mlp_norm(x + self.leave(F.gelu(self.enter(x))))


class T5Encoder(nn.Module):
    """An encoder whose first layer's bias of relative positions serves all layers; scores are not scaled."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.bias = nn.Embedding(8, HEADS)
        self.layers = nn.ModuleList(T5Layer() for _ in range(2))
        self.norm = T5Norm()

    def bucket(self, distance):
        right = (distance > 0).to(torch.long) * 4
        distance = distance.abs()
        far = 2 + (torch.log(distance.clamp(min=1).float() / 2) / torch.log(torch.tensor(8.0)) * 2).to(torch.long)
        return right + torch.where(distance < 2, distance, far.clamp(max=3))

    def forward(self, ids, mask):
        x = self.embedding(ids)
        place = torch.arange(ids.shape[1], device=ids.device)
        bias = self.bias(self.bucket(place[None] - place[:, None])).permute(2, 0, 1)[None]
        bias = bias.masked_fill(mask[:, None, None] == 0, torch.finfo(x.dtype).min)
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x)


class T5Norm(nn.Module):
    """The mean is not taken away; computed in full precision."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(WIDTH) + 0.5)

    def forward(self, x):
        variance = x.float().pow(2).mean(-1, keepdim=True)
        return self.weight * (x * torch.rsqrt(variance + 1e-6)).to(x.dtype)


class T5Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.gate, self.up, self.down = (nn.Linear(*size, bias=False) for size in ((16, 32), (16, 32), (32, 16)))
        self.norm, self.mlp_norm = T5Norm(), T5Norm()

    def forward(self, x, bias):
        y = self.norm(x)
        query, key, value = (heads(part(y), HEADS) for part in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(query, key, value, bias, scale=1.0)
        x = x + self.output(attended.transpose(1, 2).flatten(2))
        y = self.mlp_norm(x)
        return x + self.down(F.gelu(self.gate(y), approximate="tanh") * self.up(y))


class Translator(nn.Module):
    """torch.nn.Transformer with a causal mask and both padding masks."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True)
        # nested tensors, which eager PyTorch would use here, drop the padding from the result
        encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.transformer = nn.Transformer(WIDTH, HEADS, 2, 2, 32, custom_encoder=encoder, batch_first=True)
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, source, target):
        size = target.shape[1]
        causal = torch.ones(size, size, dtype=torch.bool, device=target.device).triu(1)
        # the first token always counts
        padded = (source == 0) & (torch.arange(source.shape[1], device=source.device) > 0)
        hidden = self.transformer(
            self.embedding(source),
            self.embedding(target),
            tgt_mask=causal,
            tgt_is_causal=True,
            src_key_padding_mask=padded,
            memory_key_padding_mask=padded,
        )
        return F.log_softmax(self.head(hidden), -1)


def model(name, module, inputs, **options):
    return Case("aten.scaled_dot_product_attention.default", module, inputs, name=name, **options)


IDS = i64(2, 5, low=1, high=VOCABULARY)
MASK = i64(2, 5, low=0, high=2)
FIRST = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
NL, NS = {0: "n", 1: "l"}, {0: "n", 1: "s"}
HALVES = (torch.float32, torch.float16)
CACHES = f32(2, 2, 2, KEY_HEADS, 6, WIDTH // HEADS)

CASES = [
    model("llama", Decoder(), [IDS], dynamic=NL),
    model(
        "llama, one step", Decoder("grown"), [i64(2, 1, low=0, high=9), CACHES], dynamic=[{0: "n"}, {2: "n", 4: "p"}]
    ),
    model("llama, several steps", Decoder("grown"), [IDS, CACHES], dynamic=[NL, {2: "n", 4: "p"}], dtypes=HALVES),
    model(
        "llama, cache of fixed length",
        Decoder("fixed"),
        [i64(2, 1, low=0, high=9), CACHES, torch.tensor(3)],
        dynamic=[{0: "n"}, {2: "n"}, None],
        dtypes=HALVES,
    ),
    Case("aten.gelu.default", Bert(), [IDS, FIRST, i64(2, 5, low=0, high=2)], name="bert, padding", whole=False),
    Case(
        "aten.gelu.default",
        Bert(),
        [IDS, i64(2, 5, low=1, high=2), i64(2, 5, low=0, high=2)],
        dynamic=[NL] * 3,
        name="bert",
        whole=False,
    ),
    model("t5", T5Encoder(), [IDS, MASK], dynamic=[NL, NL]),
    model("translator", Translator(), [i64(2, 4, low=0, high=9), IDS], dynamic=[NS, NL]),
]
