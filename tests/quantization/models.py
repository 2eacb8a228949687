"""Three small models to quantize: a convolutional network, a vision transformer and a text encoder."""

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """A layer of a transformer's encoder."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.up, self.down = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        given = self.before(x)
        query, key, value = (
            layer(given).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        x = x + self.out(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.after(x))))


class CNN(nn.Module):
    """Convolutions with a residual connection, one of groups."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.second, self.grouped = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.last = nn.Linear(16, 10)

    def forward(self, x):
        x = F.max_pool2d(self.norm(self.first(x)).relu(), 2)
        x = (x + self.grouped(self.second(x).relu())).relu()
        return self.last(x.mean((2, 3)))


class ViT(nn.Module):
    """Patches through two layers of an encoder."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 4, stride=4)
        self.places = nn.Parameter(torch.randn(1, 16, 32) * 0.1)
        self.blocks, self.last = nn.Sequential(Block(32, 4), Block(32, 4)), nn.Linear(32, 10)

    def forward(self, x):
        return self.last(self.blocks(self.patches(x).flatten(2).transpose(1, 2) + self.places).mean(1))


class BERT(nn.Module):
    """Embeddings through two layers of an encoder."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(50, 32), nn.Embedding(16, 32)
        self.blocks, self.pooler = nn.Sequential(Block(32, 4), Block(32, 4)), nn.Linear(32, 32)

    def forward(self, ids):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        return self.pooler(self.blocks(x)[:, 0]).tanh()


def images():
    return torch.randn(4, 3, 16, 16)


MODELS = {"cnn": (CNN, images), "vit": (ViT, images), "bert": (BERT, lambda: torch.randint(50, (4, 16)))}


def made(name):
    """A model, and a function that makes its input."""
    kind, inputs = MODELS[name]
    torch.manual_seed(0)
    return kind().eval(), inputs


def relative(actual, expected):
    """The largest difference, beside the largest number that was expected."""
    return ((actual - expected).abs().max() / expected.abs().max()).item()
