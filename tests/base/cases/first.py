"""The table of torch2trt-ops-base."""

import torch
from torch2trt.testing import Case, f32, i64

N = {0: "n"}

CASES = [
    Case("aten.add.Tensor", lambda x, y: torch.add(x, y, alpha=2), [f32(2, 8), f32(8)], dynamic=N),
    Case("aten.add.Tensor", lambda x, y: x + y, [f32(2, 8), i64(2, 1)], dynamic=[N, N], name="promoted"),
    Case("aten.linear.default", torch.nn.Linear(8, 4), [f32(2, 8)], dynamic=N),
    Case("aten.view.default", lambda x: x.view(x.shape[0], -1), [f32(2, 4, 3)], dynamic=N),
]
