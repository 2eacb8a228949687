"""Complex numbers through every kind of call, which computes with pairs of real ones."""

import math

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, Sample, c64, f32

N = {0: "n"}
Z, X = c64(2, 4), f32(2, 4)
W = torch.complex(torch.linspace(-2, 1, 4), torch.linspace(1, 3, 4))
NUMBERS = [0.0, 1.0, -2.0, math.inf, -math.inf, math.nan, 1e30, 1e-30]
SPECIAL = torch.tensor([complex(real, imag) for real in NUMBERS for imag in NUMBERS])
OTHERS = SPECIAL.conj().resolve_conj().roll(29)


def case(target: str, call, *inputs, name: str = "", **options) -> Case:
    """A row of the operator that the call is; none of them is in the plan, whose calls are real."""
    options.setdefault("dynamic", [N if isinstance(sample, Sample) else None for sample in inputs])
    if not any(isinstance(sample, Sample) for sample in inputs):
        options["dynamic"] = None
    dtypes = options.pop("dtypes", (torch.float32,))
    return Case(f"aten.{target}", call, inputs, name=name, whole=False, dtypes=dtypes, **options)


def special(target: str, call, name: str = "") -> Case:
    return case(target, call, SPECIAL, name=f"special {name}".strip())


def written(z):
    z = z.clone()
    z[:, 0] = 0
    z[:, 3] *= 2j
    z.real.add_(1)
    z[z.imag > 0] = 1j
    return z


EDGES = [
    case("alias.default", lambda z: (z, z), Z, name="an output is an input"),
    case("view_as_complex.default", lambda x: torch.view_as_complex(x.reshape(-1, 2, 2)), X),
    case("view_as_real.default", lambda z: torch.view_as_real(z * 1j), Z),
    case("view_as_real.default", lambda z: torch.view_as_real(z), Z, name="of an input"),
    case("view.dtype", lambda z: z.view(torch.float32), Z, name="real"),
    case("view.dtype", lambda x: x.view(torch.complex64), X, name="complex"),
    case("complex.default", lambda x: torch.complex(x[:, :1], x[0]), X),
    case("polar.default", lambda x: torch.polar(x.abs(), x), X),
    case("real.default", lambda z: (z * z).real, Z),
    case("imag.default", lambda z: (z.imag, z.conj().imag), Z),
    case("_to_copy.default", lambda x: x.to(torch.complex64), X),
    case("_to_copy.default", lambda z: z.to(torch.bool), Z, name="to bool"),
    case("view_as_complex.default", lambda x: torch.view_as_complex(x).real, f32(3, 2), dtypes=(torch.float16,)),
]
ARITHMETIC = [
    case("mul.Tensor", lambda z: (z * W, z * 1j, 2 * z, z.real * W, z.real * 1j), Z),
    case("mul.Tensor", lambda z: (z * torch.arange(4), z * (z.real > 0)), Z, name="integers and bools"),
    case("add.Tensor", lambda z: (z + W, z + 1j, 2 + z, z.real + W, torch.add(z, W, alpha=2j)), Z),
    case("add.Tensor", lambda x: x[:, :1] + 1j * W, X, name="parts of other shapes"),
    case("sub.Tensor", lambda z: (z - W, 1j - z, z - 2, z.real - W, torch.sub(W, z, alpha=2)), Z),
    case("div.Tensor", lambda z: (z / W, W / z, z / 2j, z / 2, 1 / z, z.real / W, z / (z.real + 3)), Z),
    case("neg.default", lambda z: -z, Z),
    case("_conj.default", lambda z: (z.conj(), z.conj() * 2, z.conj().resolve_conj(), z.conj().conj()), Z),
    case("reciprocal.default", lambda z: z.reciprocal(), Z),
    case("pow.Tensor_Scalar", lambda z: (z**2, z.square()), Z),
    case("eq.Tensor", lambda z: (z == z.real, z == W, z == z, z == 1j, z != z), Z),
    case("addcmul.default", lambda z: torch.addcmul(z, z, z, value=2), Z),
    case("lerp.Scalar", lambda z: torch.lerp(z, 2 * z, 0.5), Z),
]
FUNCTIONS = [
    case("abs.default", lambda z: z.abs(), Z),
    case("angle.default", lambda z: z.angle(), Z),
    case("exp.default", lambda z: z.exp(), Z),
    case("log.default", lambda z: z.log(), Z),
    case("sqrt.default", lambda z: z.sqrt(), Z),
    case("sgn.default", lambda z: z.sgn(), Z),
    case("isnan.default", lambda z: (z.isnan(), z.isfinite(), z.isinf()), Z),
    case("sigmoid.default", lambda z: torch.complex(z.real.sigmoid(), z.imag.relu()), Z, name="of the parts"),
]
REDUCTIONS = [
    case("sum.dim_IntList", lambda z: (z.sum(), z.sum(1, keepdim=True)), Z),
    case("mean.dim", lambda z: z.mean(1), Z),
    case("mean.default", lambda z: z.mean(), Z, dynamic=None),
    case("cumsum.default", lambda z: z.cumsum(1), Z),
    case("linalg_vector_norm.default", lambda z: z.norm(dim=1), Z),
]
MOVES = [
    case("view.default", lambda z: z.reshape(-1, 2, 2).permute(2, 0, 1).flatten(1), Z),
    case("expand.default", lambda z: z[..., None].expand(-1, -1, 3), Z),
    case("slice.Tensor", lambda z: (z[:, 1:3], z[:, -1], z[:, None]), Z),
    case("cat.default", lambda z: (torch.cat([z, z.real], 1), torch.stack([z, z])), Z),
    case("split_with_sizes.default", lambda z: z.split([1, 3], 1), Z),
    case("unbind.int", lambda z: z.unbind(1), Z),
    case("flip.default", lambda z: (z.flip(1), z.roll(1, 1)), Z),
    case("index.Tensor", lambda z: z[:, [0, 2, -1]], Z),
    case("gather.default", lambda z: z.gather(1, torch.tensor([[0, 1]]).expand(z.shape[0], 2)), Z),
    case("scatter_add.default", lambda z: z.scatter_add(1, torch.tensor([[0, 0]]).expand(z.shape[0], 2), z), Z),
    case("index_put.default", lambda z: torch.index_put(z, (torch.tensor([0]), torch.tensor([2])), W[:1]), Z),
    case("where.self", lambda z: (torch.where(z.real > 0, z, 0), torch.where(z.real > 0, z, z.real)), Z),
    case("masked_fill.Scalar", lambda z: z.masked_fill(z.real > 0, 1j), Z),
    case("copy.default", written, Z, name="in place"),
    case("constant_pad_nd.default", lambda z: F.pad(z, (1, 2)), Z),
    case("reflection_pad1d.default", lambda z: F.pad(z, (1, 2), mode="reflect"), Z),
    case("tril.default", lambda z: z.tril(), Z),
    case("full.default", lambda z: torch.full((z.shape[0], 2), 3.0, dtype=torch.complex64) * z[:, :2], Z),
    case("full_like.default", lambda z: torch.full_like(z, 2 + 1j) + torch.ones_like(z), Z),
    case("zeros.default", lambda z: torch.zeros(z.shape[0], 4, dtype=torch.complex64) + z, Z),
]
PRODUCTS = [
    case("mm.default", lambda z: (z.mH @ z, z @ W[:, None]), Z),
    case("bmm.default", lambda z: torch.einsum("bik,bjk->bij", z, z.conj()), c64(2, 3, 4)),
    case("matmul.default", lambda z: z @ z.mT, c64(2, 3, 4)),
    case("mv.default", lambda z: z @ W, Z),
    case("dot.default", lambda z: (torch.dot(z[0], W), torch.vdot(z[0], W)), Z),
    case("addmm.default", lambda z: torch.addmm(W[:1], z, W[:, None].expand(4, 4), beta=2, alpha=1j), Z),
    case("linear.default", lambda z: F.linear(z, torch.outer(W, W), W), Z),
    case("convolution.default", lambda z: F.conv1d(z[:, None], W.reshape(1, 1, 4)[..., :3], W[:1], padding=1), Z),
]
SPECIALS = [
    special("mul.Tensor", lambda z: (z * OTHERS, z * 2.0, z * OTHERS.real)),
    special("add.Tensor", lambda z: (z + OTHERS, z + 1.0, z - OTHERS, 2 - z, OTHERS.real - z)),
    special("div.Tensor", lambda z: (z / OTHERS, OTHERS / z, z / 2.0, z / 2j, z / 0, z / OTHERS.real, 1 / z)),
    special("reciprocal.default", lambda z: z.reciprocal()),
    special("abs.default", lambda z: (z.abs(), z.angle())),
    special("exp.default", lambda z: z.exp()),
    special("log.default", lambda z: (z.log(), z.sqrt())),
    special("polar.default", lambda z: torch.polar(z.real, z.imag)),
    special("eq.Tensor", lambda z: (z == OTHERS, z == 0, z.isnan(), z.isinf(), z.isfinite(), z.to(torch.bool))),
    case("mul.Tensor", lambda z: z * W, c64(0, 4), name="nothing", dynamic=None),
    case("abs.default", lambda z: (z.abs(), z + z.real), c64(), name="0-d", dynamic=None),
]
CASES = [*EDGES, *ARITHMETIC, *FUNCTIONS, *REDUCTIONS, *MOVES, *PRODUCTS, *SPECIALS]
