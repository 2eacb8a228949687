"""float64 through every kind of call: computed in float32, taken and returned as float64."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, Sample, f32, i64

N = {0: "n"}
WIDE, ROW = Sample((3, 4), torch.float64), Sample((4,), torch.float64)
NARROW = f32(3, 4)
IMAGE = Sample((2, 3, 6, 6), torch.float64)
SPECIAL = torch.tensor(
    [-torch.inf, -1e300, -1e-300, -0.0, 0.0, 1e-300, 1e39, torch.inf, torch.nan], dtype=torch.float64
)
THIRDS = torch.arange(1, 5, dtype=torch.float64) / 3
BIG = torch.tensor([2**24 + 1, 3, -(2**24) - 1])


def case(target: str, call, *inputs, **options) -> Case:
    """A row of the operator that the call is, or comes down to."""
    options.setdefault(
        "dynamic", [N if isinstance(sample, Sample) and sample is not ROW else None for sample in inputs]
    )
    return Case(f"aten.{target}", call, inputs, dtypes=(torch.float32,), **options)


class Layers(nn.Module):
    """Layers whose parameters and buffers are float64."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)
        self.double()

    def forward(self, x):
        return self.head(self.norm(self.conv(x.double())).relu().mean((2, 3)))


class Fixed(nn.Module):
    """Layers that stay float64, whatever the row's dtype is."""

    def __init__(self, layers):
        super().__init__()
        self.layers = [layers]

    def forward(self, x):
        return self.layers[0](x)


def positions(x, places):
    omega = 1.0 / 10000 ** (torch.arange(4, dtype=torch.float64) / 4)
    angle = places[..., None].double() * omega
    return x + torch.cat((angle.sin(), angle.cos()), -1).to(x.dtype)


def masked(x):
    scores = x.double().masked_fill(x < 0, torch.finfo(torch.float64).min)
    return scores.softmax(-1).float()


MIDDLE = [
    case("mul.Tensor", positions, f32(3, 5, 8), f32(3, 5, high=20.0), name="positions"),
    case(
        "div.Tensor", lambda x: ((y := x.double()) - y.mean(-1, keepdim=True)).div(y.std(-1)[:, None]).float(), NARROW
    ),
    case("add.Tensor", lambda x: (x.double() + THIRDS).float(), NARROW, name="a constant"),
    case("add.Tensor", lambda x: x + torch.tensor(1 / 3, dtype=torch.float64), NARROW, name="a 0-d constant"),
    case("matmul.default", lambda x: (x.double() @ THIRDS.diag()).half(), NARROW, name="to half"),
    case("sum.dim_IntList", lambda x: x.sum(1, dtype=torch.float64).float(), NARROW, name="dtype"),
    case("cumsum.default", lambda x: x.cumsum(1, dtype=torch.float64).float(), NARROW, name="dtype"),
    case("_softmax.default", lambda x: x.softmax(1, dtype=torch.float64).float(), NARROW, whole=False),
    case("where.self", masked, NARROW, name="masked"),
    case(
        "arange.start_step", lambda x: x[:, 0] + torch.arange(x.shape[0], dtype=torch.float64) / 3, NARROW, static=False
    ),
    case("full.default", lambda x: x.new_full((x.shape[0], 1), 0.1, dtype=torch.float64) + x, NARROW, static=False),
    case("_to_copy.default", lambda n: n.double().sqrt().long(), i64(3, 4, low=0), name="of integers"),
    case("gt.Tensor", lambda x: x > THIRDS, NARROW, name="a constant"),
    case("bucketize.Tensor", lambda x: torch.bucketize(x, THIRDS), NARROW, whole=False),
]
INPUTS = [
    case("_to_copy.default", lambda x: x.float() * 3, WIDE, name="in"),
    case("_to_copy.default", lambda x: x.half(), WIDE, name="in, to half"),
    case("_to_copy.default", lambda x: (x * 100).long(), WIDE, name="in, to integers"),
    case("_to_copy.default", lambda x, y: x.float() + y, WIDE, NARROW, name="in, beside float32"),
    case("isnan.default", lambda x: x.isnan(), SPECIAL, name="in", whole=False),
    case("signbit.default", lambda x: x.signbit(), SPECIAL, name="in", whole=False),
]
OUTPUTS = [
    case("_to_copy.default", lambda x: x.double(), NARROW, name="out"),
    case("_to_copy.default", lambda x: (x.double() / 3, x.double().exp()), NARROW, name="out, two"),
    case("_to_copy.default", lambda x: (x, THIRDS), NARROW, name="out, a constant", whole=False),
    case("_to_copy.default", lambda x: [y := x.double().tanh(), y, y.float()], NARROW, name="out, twice"),
]
BOTH = [
    case("mul.Tensor", lambda x: x * x, WIDE, name="both"),
    case("clone.default", lambda x: (x, x.T), WIDE, name="as it is", whole=False),
    case("sort.default", lambda x: x.sort(), WIDE, name="both"),
    case("max.dim", lambda x: x.max(1), WIDE, name="both"),
    case("split_with_sizes.default", lambda x: x.split([1, 3], 1), WIDE, name="both"),
    case(
        "index_put.default", lambda x, y: x.index_put((torch.tensor([0, 2]),), y), WIDE, ROW, dynamic=None, name="both"
    ),
    case("as_strided.default", lambda x: x[1:].as_strided((2,), (3,), 5), WIDE, dynamic=None, name="of a view"),
    case("linear.default", F.linear, WIDE, Sample((5, 4), torch.float64), dynamic=None, name="both"),
    case("convolution.default", Fixed(Layers().eval()), IMAGE, name="parameters", whole=False),
    case("convolution.default", Fixed(Layers().eval()), f32(2, 3, 6, 6), name="parameters, float32 in", whole=False),
    case("copy.default", lambda x: x.add_(1.5), WIDE, name="in place", whole=False),
    case("view.dtype", lambda x: x.view(torch.int64), WIDE, rejects="TensorRT has no float64", dynamic=None),
]
CASES = [*MIDDLE, *INPUTS, *OUTPUTS, *BOTH]
