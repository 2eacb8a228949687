"""Steps of detectors that are left to PyTorch: every call is declined, as its own code is traced or cannot be."""

import torch
import torchvision.models.detection._utils as utils
import torchvision.ops as ops
from torch2trt.testing import Case, f32, i64

F32 = (torch.float32,)
WHY = "fallback=True runs it in PyTorch"


def boxes(x):
    return torch.cat([x[:, :2] + 3, x[:, 2:].abs() + x[:, :2] + 3.5], 1)


class Pooled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = ops.MultiScaleRoIAlign(["a"], 2, 1)

    def forward(self, features, x):
        return self.pool({"a": features}, [boxes(x)], [(8, 8)])


CASES = [
    Case(
        "torchvision.ops.boxes.batched_nms",
        lambda b, s, c: ops.boxes.batched_nms(boxes(b), s, c, 0.3),
        [f32(9, 4), f32(9), i64(9, low=0, high=3)],
        dtypes=F32,
        rejects=WHY,
    ),
    Case(
        "torchvision.models.detection._utils.BoxCoder.decode",
        lambda c, b: utils.BoxCoder((1.0, 1.0, 1.0, 1.0)).decode(c, [boxes(b)]),
        [f32(5, 8), f32(5, 4)],
        dtypes=F32,
        rejects=WHY,
    ),
    Case(
        "torchvision.ops.poolers.MultiScaleRoIAlign.forward",
        Pooled(),
        [f32(1, 3, 8, 8), f32(4, 4)],
        dtypes=F32,
        rejects=WHY,
    ),
]
