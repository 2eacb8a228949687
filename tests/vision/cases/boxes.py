"""Suppression of overlapping boxes."""

import torch
import torchvision.ops as ops
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
F32 = (torch.float32,)  # torchvision has no others on the CPU


def boxes(x, count=3):
    """Boxes ``(image 0, left, top, right, bottom)`` from numbers of any kind."""
    low, extent = x[:, :2] * 2, x[:, 2:].abs() * 2 + 0.3
    return torch.cat([x[:, :1] * 0, low, low + extent], 1)


CASES = [
    Case(
        "torchvision.nms.default",
        lambda b, s: ops.nms(boxes(b)[:, 1:], s, 0.3),
        [f32(9, 4), f32(9)],
        dynamic=[N, N],
        dtypes=F32,
    ),
    Case(
        "torchvision.nms.default",
        lambda b, s: boxes(b)[ops.nms(boxes(b)[:, 1:], s, 0.5)],
        [f32(9, 4), f32(9)],
        dtypes=F32,
        name="chosen",
    ),
    Case(
        "torchvision.nms.default",
        lambda b, s, c: ops.batched_nms(boxes(b)[:, 1:], s, c, 0.3),
        [f32(9, 4), f32(9), i64(9, low=0, high=3)],
        dtypes=F32,
        name="batched",
    ),
    Case(
        "torchvision.nms.default",
        lambda b, s: ops.nms(b, s, 0.3),
        [f32(5001, 4), f32(5001)],
        rejects="at most 5000",
        name="too-many",
    ),
]
