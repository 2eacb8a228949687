"""Two models that no package has as they are needed here: a stack of decoder blocks, a block of a diffusion UNet."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class LlamaBlocks(nn.Module):
    """Decoder blocks as in LLaMA: RMS norms, rotary positions, grouped causal attention and a gated feed-forward part.

    Takes and gives hidden states (batch, tokens, width).
    """

    def __init__(self, depth: int, width: int, heads: int, groups: int, inner: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(LlamaBlock(width, heads, groups, inner) for _ in range(depth))
        self.norm = nn.RMSNorm(width, eps=1e-5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The hidden states after the last block."""
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class LlamaBlock(nn.Module):
    """One block; ``groups`` key-value heads are shared by the ``heads`` of the queries."""

    def __init__(self, width: int, heads: int, groups: int, inner: int) -> None:
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.attention_norm, self.inner_norm = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, groups * self.size, bias=False)
        self.value = nn.Linear(width, groups * self.size, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate, self.up = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The hidden states after attention and feed-forward part, each added to what went in."""
        batch, tokens, width = x.shape
        normed = self.attention_norm(x)
        query = rotated(self.query(normed).view(batch, tokens, self.heads, self.size).transpose(1, 2))
        key = rotated(self.key(normed).view(batch, tokens, self.groups, self.size).transpose(1, 2))
        value = self.value(normed).view(batch, tokens, self.groups, self.size).transpose(1, 2)
        shared = self.heads // self.groups
        key, value = key.repeat_interleave(shared, dim=1), value.repeat_interleave(shared, dim=1)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, tokens, width))
        normed = self.inner_norm(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))


def rotated(x: torch.Tensor) -> torch.Tensor:
    """Rotary positions for heads (batch, heads, tokens, size): the angles are float32, as in the models themselves."""
    tokens, size = x.shape[-2:]
    frequencies = 10000.0 ** (-torch.arange(0, size, 2, device=x.device, dtype=torch.float32) / size)
    angles = torch.arange(tokens, device=x.device, dtype=torch.float32)[:, None] * frequencies
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1)


class UNetBlock(nn.Module):
    """A down block of a diffusion UNet: a residual block that knows the time, self- and cross-attention, feed-forward.

    Takes an image (batch, channels, height, width), the embedded time (batch, time) and the text (batch, tokens, text);
    gives an image of the same shape.
    """

    def __init__(self, channels: int, heads: int, time: int, text: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.GroupNorm(32, channels), nn.GroupNorm(32, channels)
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.time = nn.Linear(time, channels)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(3))
        self.itself = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.text = nn.MultiheadAttention(channels, heads, kdim=text, vdim=text, batch_first=True)
        self.up, self.down = nn.Linear(channels, 8 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x: torch.Tensor, time: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """The image after the block."""
        inner = self.first(F.silu(self.first_norm(x))) + self.time(F.silu(time))[:, :, None, None]
        x = x + self.second(F.silu(self.second_norm(inner)))
        pixels = x.flatten(2).transpose(1, 2)
        normed = self.norms[0](pixels)
        pixels = pixels + self.itself(normed, normed, normed, need_weights=False)[0]
        pixels = pixels + self.text(self.norms[1](pixels), text, text, need_weights=False)[0]
        value, gate = self.up(self.norms[2](pixels)).chunk(2, dim=-1)
        pixels = pixels + self.down(value * F.gelu(gate))
        return pixels.transpose(1, 2).view_as(x)
