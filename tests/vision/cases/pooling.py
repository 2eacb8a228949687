"""Pooling."""

import torch.nn.functional as F
from torch2trt.testing import Case, f32

N = {0: "n"}

CASES = [
    Case("aten.avg_pool2d.default", lambda x: F.avg_pool2d(x, 2), [f32(2, 3, 6, 6)], dynamic=N),
]
