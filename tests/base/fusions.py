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
SHORT, LONG = f32(9, 4), f32(5, 64)


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


def short(target, function, x=SHORT, *, name, dtypes=FLOATS[:1], **options):
    """A reduction of what a tensor and a part of it give."""
    options = {"dynamic": {len(x.shape) - 2: "n"}, "dynamic_min": 2} | options
    return Case(f"aten.{target}", function, [x], dtypes=dtypes, name=name, **options)


#: reductions by target
REDUCTIONS = {
    "sum.dim_IntList": lambda x: x.sum(0),
    "mean.dim": lambda x: x.mean(0, keepdim=True),
    "amax.default": lambda x: x.amax((0, 1)),
    "amin.default": lambda x: x.amin([-2]),
    "prod.dim_int": lambda x: x.prod(0),
    "any.dim": lambda x: (x > 1).any(0),
    "any.default": lambda x: (x > 3).any(),
    "var.correction": lambda x: x.var(0),
    "var_mean.correction": lambda x: torch.var_mean(x, 0),
    "mean.default": lambda x: x.mean(),
    "max.default": lambda x: x.max(),
    "_softmax.default": lambda x: x.softmax(0),
    "_log_softmax.default": lambda x: x.log_softmax(0),
}
#: those of other packs, which the row is not about
NORMS = {
    "layer norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "group norm": lambda x: F.group_norm(x, 2),
    "instance norm": F.instance_norm,
}
#: what a tensor and a part of it give, all of which engines had wrong before a sum over the other dimension
PARTS = {
    "first column": lambda x: x * x.tanh() + x[:, :1],
    "selected": lambda x: x * x.tanh() + x[:, 0].unsqueeze(1),
    "two columns": lambda x: x - x[:, :1] * x[:, 1:2],
    "split": lambda x: x - x.split(1, 1)[0],
    "mean": lambda x: (x - x.mean(1, keepdim=True)).square(),
    "largest": lambda x: x * 2 + x.amax(1, keepdim=True),
    "softmax": lambda x: x.softmax(1) * x,
    "log softmax": lambda x: x.log_softmax(1),
    "layer norm": lambda x: F.layer_norm(x, x.shape[1:]) + x,
    "both": lambda x: x.softmax(0).softmax(1) + x,
}
PARTLY = [
    *(
        short(target, lambda x, reduce=reduce: reduce(x * x.tanh() + x[:, :1]), name=f"first column, {target}")
        for target, reduce in REDUCTIONS.items()
    ),
    *(short("sum.dim_IntList", lambda x, f=f: f(x).sum(0), name=f"{name}, sum") for name, f in PARTS.items()),
    *(
        short("sum.dim_IntList", lambda x, f=f: f(x).sum(), name=f"{name}, all", dtypes=FLOATS)
        for name, f in PARTS.items()
    ),
    *(short("_softmax.default", lambda x, f=f: f(x).softmax(0), name=f"{name}, softmax") for name, f in PARTS.items()),
    short("sum.dim_IntList", lambda x: (x - x[:1]).square().sum(1), LONG, name="many columns"),
    short("sum.dim_IntList", lambda x: (x - x[:, :, :1]).sum((0, 1)), f32(2, 9, 5), name="three dimensions"),
    short("mean.dim", lambda x: (x * x[:, :1]).mean((2, 3)), f32(2, 8, 7, 6), dynamic=N, name="images"),
    short("sum.dim_IntList", lambda x: F.cross_entropy(x, x.sigmoid()), name="cross entropy"),
    *(
        short("slice.Tensor", lambda x, f=f: f(x + x[:, :1]), f32(2, 4, 9), dynamic=N, name=name)
        for name, f in NORMS.items()
    ),
]

CASES = [
    *PARTLY,
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
    linear(lambda m, x: (lambda value, gate: value * F.gelu(gate))(*m.one(x).chunk(2, -1)), name="gelu of a half"),
    linear(lambda m, x: m.one(x)[:, 20:] * m.one(x)[:, :20].relu(), name="relu of a slice"),
    linear(lambda m, x: F.gelu(x @ m.one.weight.mT + m.one.bias) * (x @ m.other.weight.mT), name="explicit"),
]
