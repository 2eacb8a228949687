"""Prompts: points, boxes and masks as embeddings, chosen by masks of what each is."""

import torch
from torch import nn
from torch2trt.testing import Case, f32, i64

torch.manual_seed(0)


class Prompts(nn.Module):
    """A prompt encoder like SAM's: places as random Fourier features, and an embedding by what each point is.

    Labels are 1 and 0 for points of the object and beside it, -1 for no point; boxes are two points each.
    """

    def __init__(self, width=8, size=16, patches=4):
        super().__init__()
        self.size, self.patches = size, patches
        self.register_buffer("frequencies", torch.randn(2, width // 2))
        self.labels = nn.Embedding(4, width)
        self.none = nn.Parameter(torch.randn(width))
        self.no_mask = nn.Parameter(torch.randn(width))
        self.shrink = nn.Sequential(nn.Conv2d(1, 4, 2, 2), nn.GroupNorm(1, 4), nn.GELU(), nn.Conv2d(4, width, 2, 2))

    def places(self, points):
        angles = 2 * torch.pi * ((2 * points - 1) @ self.frequencies)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def forward(self, points, labels, boxes, mask):
        embedded = self.places((points + 0.5) / self.size)
        embedded[labels == -1] = 0.0
        embedded[labels == -1] += self.none
        embedded[labels == 0] += self.labels.weight[0]
        embedded[labels == 1] += self.labels.weight[1]
        corners = self.places((boxes.reshape(-1, 2, 2) + 0.5) / self.size)
        corners[:, 0] += self.labels.weight[2]
        corners[:, 1] += self.labels.weight[3]
        steps = (torch.arange(self.patches) + 0.5) / self.patches
        grid = self.places(torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)).permute(2, 0, 1)[None]
        given = mask.flatten(1).any(1)[:, None, None, None]
        dense = torch.where(given, self.shrink(mask), self.no_mask[:, None, None])
        return torch.cat([embedded, corners], 1), dense, grid


N = {0: "n"}
CASES = [
    Case(
        "aten.convolution.default",
        Prompts().eval(),
        [f32(2, 3, 2, low=0, high=16), i64(2, 3, low=-1, high=2), f32(2, 4, low=0, high=16), f32(2, 1, 16, 16)],
        dynamic=[{0: "n", 1: "p"}, {0: "n", 1: "p"}, N, N],
        dtypes=(torch.float32,),
        name="prompts",
        whole=False,
    )
]
