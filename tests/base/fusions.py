"""What engines of TensorRT for RTX 1.6.1 compute wrongly unless it is kept from being fused; sizes matter."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32

N = {0: "n"}
BOTH = [N, N]
FLOATS = (torch.float32, torch.float16, torch.bfloat16)
MAP, GATE, IMAGE, OTHER = f32(2, 32, 28, 28), f32(2, 8, 1, 1), f32(2, 8, 28, 28), f32(2, 32, 28, 28, high=2.5)
ROWS = f32(4, 24)


class Model(nn.Module):
    """A function of two layers and the inputs."""

    def __init__(self, function, one, other=None):
        super().__init__()
        self.function, self.one, self.other = function, one, other

    def forward(self, x, y=None, z=None):
        return self.function(self, *(value for value in (x, y, z) if value is not None))


def conv(function, *inputs, name, layer=None, dtypes=FLOATS[:1], **options):
    torch.manual_seed(0)
    model = Model(function, layer or nn.Conv2d(8, 32, 1), nn.Conv2d(8, 32, 1))
    options.setdefault("dynamic", [N] * len(inputs))
    return Case("aten.mul.Tensor", model, inputs, dtypes=dtypes, name=name, **options)


def linear(function, *, name, bias=(True, True), dtypes=FLOATS):
    torch.manual_seed(0)
    model = Model(function, nn.Linear(24, 40, bias=bias[0]), nn.Linear(24, 40, bias=bias[1]))
    return Case("aten.mul.Tensor", model, [ROWS], dynamic=N, dtypes=dtypes, name=name)


CASES = [
    conv(lambda m, x, g: F.relu6(x * m.one(g).sigmoid()), MAP, GATE, name="squeeze and excite", dtypes=FLOATS),
    conv(lambda m, x, g: (x * m.one(g)).tanh(), MAP, GATE, name="gate, tanh"),
    conv(lambda m, x, y: (x * m.one(y)).relu(), MAP, IMAGE, name="relu"),
    conv(lambda m, x, y: (x * m.one(y)).abs(), MAP, IMAGE, name="abs"),
    conv(lambda m, x, y: (x * m.one(y)).erf(), MAP, IMAGE, name="erf"),
    conv(lambda m, x, y: (x * m.one(y)).atan(), MAP, IMAGE, name="atan"),
    conv(lambda m, x, y: F.hardtanh(x * m.one(y)), MAP, IMAGE, name="hardtanh"),
    conv(lambda m, x, y: torch.maximum(x * m.one(y), torch.zeros(())), MAP, IMAGE, name="maximum"),
    conv(lambda m, x, y: F.relu6(x * m.one(y)), MAP, IMAGE, name="3x3", layer=nn.Conv2d(8, 32, 3, padding=1)),
    conv(lambda m, x, y: (x * m.one(y)).relu(), MAP, OTHER, name="depthwise", layer=nn.Conv2d(32, 32, 3, 1, 1, 1, 32)),
    conv(lambda m, y: (m.one(y) * m.other(y)).relu(), IMAGE, name="two convolutions"),
    conv(lambda m, x, y, z: ((m.one(y) + z) * x).relu(), MAP, IMAGE, OTHER, name="residual"),
    conv(lambda m, x, y: (x * F.max_pool2d(m.one(y), 3, 1, 1)).relu(), MAP, IMAGE, name="pooled"),
    conv(lambda m, x, y: (x * m.one(y)).flatten(1).relu(), MAP, IMAGE, name="flattened"),
    conv(lambda m, x, y: (lambda p: p.relu() + p)(x * m.one(y)), MAP, IMAGE, name="used twice"),
    linear(lambda m, x: F.gelu(m.one(x)) * m.other(x), name="gelu"),
    linear(lambda m, x: m.other(x) * m.one(x).relu(), name="relu"),
    linear(lambda m, x: F.gelu(m.one(x)) * m.other(x), name="one bias", bias=(True, False)),
    linear(lambda m, x: F.gelu(x @ m.one.weight.mT + m.one.bias) * (x @ m.other.weight.mT), name="explicit"),
]
