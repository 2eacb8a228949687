"""Padding with a constant."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, b8, f32, i32, i64

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
BF = (torch.float32, torch.float16, torch.bfloat16)
CONSTANT = "aten.constant_pad_nd.default"
X1, X2 = f32(4, 3, 5), f32(4, 3, 5, 6)

CASES = [
    Case(CONSTANT, lambda x: F.pad(x, (1, 2)), [X2], dynamic=ALL, dtypes=BF),
    Case(CONSTANT, lambda x: F.pad(x, (1, 2, 3, 0), value=1.5), [X2], dynamic=ALL, name="value"),
    Case(CONSTANT, lambda x: F.pad(x, (-1, 2, -1, -1), value=2.0), [X2], dynamic=N, name="negative"),
    Case(CONSTANT, lambda x: F.pad(x, (-1, -2)), [X2], dynamic=N, name="crop"),
    Case(CONSTANT, lambda x: F.pad(x, (0, 1, 2, 0, 1, 1, 1, 0)), [X2], dynamic=ALL, name="all"),
    Case(CONSTANT, lambda x: F.pad(x, (1, 1), value=-torch.inf), [X1], dynamic=N, name="infinity"),
    Case(CONSTANT, lambda x: F.pad(x, (1, 1, 0, 2), value=7), [i64(2, 3, 4)], dynamic=N, name="int64"),
    Case(CONSTANT, lambda x: F.pad(x, (1, 1), value=7), [i32(2, 3)], dynamic=N, name="int32"),
    Case(CONSTANT, lambda x: F.pad(x, (1, 1), value=True), [b8(2, 3)], dynamic=N, name="bool"),
    Case(CONSTANT, lambda x: F.pad(x, (0, 0)), [X1], dynamic=N, name="nothing"),
    Case(CONSTANT, lambda x: F.pad(x, (2, x.shape[0])), [f32(3, 4)], dynamic=N, name="computed-amount"),
]
