"""Activations."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i32, i64

from ._special import SPECIAL

N = {0: "n"}
WIDE = f32(2, 6, low=-8, high=8)


def _plain(name: str, *names: str, **options) -> list[Case]:
    functions = [(each, getattr(F, each)) for each in (name, *names)]
    return [Case(f"aten.{each}.default", function, [WIDE], dynamic=N, **options) for each, function in functions]


CASES = [
    *_plain("relu", "sigmoid", "tanh", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "gelu", "elu", "softplus"),
    *_plain("silu", "mish", "relu6", "selu", "celu", "glu", "hardshrink", "softshrink", whole=False),
    Case("aten.tanh.default", F.tanhshrink, [WIDE], dynamic=N, name="tanhshrink"),
    Case("aten.log_sigmoid.default", F.logsigmoid, [WIDE], dynamic=N, whole=False),
    Case("aten.relu.default", torch.relu, [i64(2, 4)], dynamic=N, name="int64"),
    Case("aten.relu.default", torch.relu, [i32(2, 4)], name="int32"),
    Case("aten.relu.default", lambda x: F.relu_(x + 1), [f32(2, 4)], dynamic=N, name="in place"),
    Case("aten.sigmoid.default", torch.sigmoid, [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.tanh.default", torch.tanh, [i32(2, 4)], name="ints"),
    Case("aten.hardtanh.default", lambda x: F.hardtanh(x, -2.5, 0.5), [f32(2, 4)], dynamic=N, name="limits"),
    Case("aten.hardtanh.default", lambda x: F.hardtanh(x, -2, 3), [i64(2, 4)], dynamic=N, name="ints"),
    Case("aten.leaky_relu.default", lambda x: F.leaky_relu(x, 0.3), [f32(2, 4)], dynamic=N, name="slope"),
    Case("aten.leaky_relu.default", lambda x: F.leaky_relu(x, -0.3), [f32(2, 4)], name="negative slope"),
    Case("aten.gelu.default", lambda x: F.gelu(x, approximate="tanh"), [WIDE], dynamic=N, name="tanh"),
    Case("aten.elu.default", lambda x: F.elu(x, 0.7), [f32(2, 4)], dynamic=N, name="alpha"),
    Case("aten.elu.default", F.selu, [f32(2, 4)], dynamic=N, name="selu"),
    Case(
        "aten.elu.default", lambda x: torch.ops.aten.elu(x, 1, 1, 2), [f32(2, 4)], rejects="input_scale", name="scaled"
    ),
    Case("aten.celu.default", lambda x: F.celu(x, 0.5), [f32(2, 4)], dynamic=N, name="alpha", whole=False),
    Case("aten.softplus.default", lambda x: F.softplus(x, 2, 3), [f32(2, 4)], dynamic=N, name="beta"),
    Case("aten.softplus.default", F.softplus, [f32(2, 4, low=-100, high=100)], name="large"),
    Case("aten.prelu.default", torch.nn.PReLU(3), [f32(2, 3, 4)], dynamic={0: "n", 2: "w"}),
    Case("aten.prelu.default", torch.nn.PReLU(), [f32(2, 3)], dynamic=N, name="one slope"),
    Case("aten.prelu.default", torch.nn.PReLU(), [f32(4)], dynamic=N, name="vector"),
    Case("aten.prelu.default", F.prelu, [f32(2, 3, 4, 4), f32(3)], dynamic=[N, None], name="computed slope"),
    Case("aten.rrelu.default", F.rrelu, [f32(2, 4)], dynamic=N),
    Case(
        "aten.rrelu.default",
        lambda x: F.rrelu(x, training=True),
        [f32(2, 4)],
        rejects="random='engine'",
        name="training",
    ),
    Case("aten.threshold.default", lambda x: F.threshold(x, 0.5, -3), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.glu.default", lambda x: F.glu(x, 1), [f32(2, 4, 3)], dynamic=N, name="channels", whole=False),
    Case("aten.special_expit.default", torch.special.expit, [f32(2, 4)], dynamic=N, whole=False),
    *(
        # PyTorch's hardswish multiplies before it divides by 6, and is infinite from 5.7e37 on where ours is not
        Case(
            f"aten.{name}.default", getattr(F, name), [SPECIAL[:4] if name == "hardswish" else SPECIAL], name="special"
        )
        for name in ("relu", "hardtanh", "leaky_relu", "hardsigmoid", "hardswish", "softplus", "elu")
    ),
]
