"""Softmax, and the cross entropies that PyTorch makes of it."""

import functools

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i32, i64

N = {0: "n"}
NN = [N, N]
MASKED = torch.tensor([[0.5, -torch.inf, 2.0, -torch.inf], [1.0, 300.0, -300.0, 0.0]])
CLASSES = i64(3, low=0, high=4)

CASES = [
    Case("aten._softmax.default", lambda x: x.softmax(-1), [f32(2, 3, 4)], dynamic={0: "n", 2: "w"}),
    Case("aten._softmax.default", lambda x: x.softmax(0), [f32(3, 4)], dynamic={1: "w"}, name="first"),
    Case("aten._softmax.default", lambda x: x.softmax(0), [f32()], name="scalar"),
    Case("aten._softmax.default", lambda x: x.softmax(0), [f32(4)], dynamic=N, name="vector"),
    Case("aten._softmax.default", lambda x: x.softmax(1, dtype=torch.float32), [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten._softmax.default", lambda x: x.softmax(1, dtype=torch.float32), [f32(2, 4)], dynamic=N, name="wider"),
    Case("aten._softmax.default", lambda x: x.softmax(1), [MASKED], name="masked"),
    Case("aten._softmax.default", lambda x: F.softmin(x, 1), [f32(2, 4)], dynamic=N, name="softmin"),
    Case("aten._log_softmax.default", lambda x: x.log_softmax(-1), [f32(2, 3, 4)], dynamic={0: "n", 2: "w"}),
    Case("aten._log_softmax.default", lambda x: x.log_softmax(1), [MASKED], name="masked"),
    Case("aten._log_softmax.default", lambda x: x.log_softmax(0), [f32()], name="scalar"),
    Case("aten._log_softmax.default", lambda x: x.log_softmax(0, dtype=torch.float32), [i32(2, 4)], name="ints"),
    Case("aten.nll_loss_nd.default", lambda x, y: F.nll_loss(x, y), [f32(3, 4), CLASSES], dynamic=NN, whole=False),
    Case("aten.cross_entropy_loss.default", F.cross_entropy, [f32(3, 4), CLASSES], dynamic=NN, whole=False),
    Case(
        "aten.cross_entropy_loss.default",
        functools.partial(F.cross_entropy, reduction="none", label_smoothing=0.1, ignore_index=2),
        [f32(3, 4), CLASSES],
        dynamic=NN,
        name="smooth",
        whole=False,
    ),
    Case(
        "aten.cross_entropy_loss.default", F.cross_entropy, [f32(3, 4), f32(3, 4, low=0)], NN, name="soft", whole=False
    ),
]
