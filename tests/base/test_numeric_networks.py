"""Networks of matrices, quantiles and special functions build, with dynamic batches too."""

import pytest
import torch
import torch2trt
from torch.export import Dim

N = {0: Dim("n", min=1, max=8)}
MATRIX = torch.eye(4) + 0.1 * torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0))
NUMBERS = torch.rand(2, 9, generator=torch.Generator().manual_seed(0))


def lifted(pixels, camera):
    """Rays of pixels through a camera, and how much it stretches areas."""
    rays = torch.linalg.inv(camera)[:, None] @ pixels[..., None]
    return rays.squeeze(-1), torch.det(camera), torch.linalg.slogdet(camera)


def factored(a):
    spread = a @ a.mT
    return torch.linalg.cholesky(spread), torch.linalg.lu(a), torch.linalg.solve(a, spread)


def quantiles(x):
    return x.quantile(0.3, 1), x.nanquantile(0.7, 1, interpolation="higher"), x.nanmedian(1), x.nanmedian()


def special(x):
    functions = (
        torch.erfinv,
        torch.special.erfcx,
        torch.lgamma,
        torch.digamma,
        torch.i0,
        torch.special.i1,
        torch.angle,
    )
    return [function(x) for function in functions], torch.polygamma(1, x)


def divisors(x):
    return torch.gcd(x, x.flip(1)), torch.lcm(x, x.flip(1))


@pytest.mark.parametrize("is_dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (lifted, [torch.rand(2, 4, 4), MATRIX]),
        (factored, [MATRIX]),
        (torch.linalg.inv, [torch.eye(16).repeat(2, 1, 1)]),
        (quantiles, [NUMBERS]),
        (special, [NUMBERS]),
        (divisors, [(NUMBERS * 100).int()]),
    ],
    ids=["camera", "factors", "widest", "quantiles", "special", "divisors"],
)
def test_networks_build(model, inputs, is_dynamic):
    shapes = (N,) * len(inputs) if is_dynamic else None
    assert torch2trt.convert(model, inputs, dynamic_shapes=shapes, runtime="reference").serialized


def test_a_rule_of_another_pack_stays():
    class Transposing:
        @torch2trt.hookimpl
        def torch2trt_decompositions(self, table):
            table[torch.ops.aten.linalg_inv.default] = lambda input: input.mT

    packs = torch2trt.Packs.load(extra=[Transposing()])
    rotation = torch2trt.convert(torch.linalg.inv, [MATRIX], packs=packs, runtime="reference", build=False)
    torch.testing.assert_close(rotation(MATRIX), MATRIX.mT)
