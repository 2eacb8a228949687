"""The operators that are declined."""

import torch
from torch2trt.testing import Case, f32, i64

from ._versions import GENERATORS

F32 = (torch.float32,)
GENERATOR = "how many numbers it draws for one depends on what they are"


def declined(target, reason, call, *inputs, **options):
    return Case(f"aten.{target}", call, inputs or [f32(2, 4)], rejects=reason, **options)


def seeded(target, draw):
    """A call with a generator of the model's own."""
    generator = torch.Generator()
    return declined(target, "torch.Generator", lambda x: draw(x, generator), xfail=GENERATORS)


CASES = [
    Case("aten.poisson.default", lambda x: torch.poisson(x.abs()), [f32(4)], rejects=GENERATOR),
    Case("aten.binomial.default", lambda x: torch.binomial(x.abs().round(), x * 0 + 0.5), [f32(4)], rejects=GENERATOR),
    Case("aten._standard_gamma.default", lambda x: torch._standard_gamma(x.abs()), [f32(4)], rejects=GENERATOR),
    Case("aten._sample_dirichlet.default", lambda x: torch._sample_dirichlet(x.abs()), [f32(4)], rejects=GENERATOR),
    Case("aten.mode.default", lambda x: x.mode(), [i64(2, 4)], rejects="how often"),
    Case(
        "aten.embedding_renorm.default",
        lambda x, places: torch.nn.functional.embedding(places, x.clone(), max_norm=1.0),
        [f32(6, 3), i64(2, 4, low=0, high=6)],
        rejects="max_norm",
    ),
    seeded("rand.generator", lambda x, g: x + torch.rand(4, generator=g)),
    seeded("randn.generator", lambda x, g: x + torch.randn(4, generator=g)),
    seeded("randint.generator", lambda x, g: x + torch.randint(3, (4,), generator=g)),
    seeded("randint.low_generator", lambda x, g: x + torch.randint(1, 3, (4,), generator=g)),
    seeded("randperm.generator", lambda x, g: x[:, torch.randperm(4, generator=g)]),
    declined("bincount.default", "depends on the values", lambda x: torch.bincount(x), i64(4, low=0, high=5)),
    declined("_unique2.default", "depends on the values", lambda x: torch.unique(x), i64(4)),
    declined("unique_consecutive.default", "depends on the values", lambda x: torch.unique_consecutive(x), i64(4)),
    declined("_linalg_svd.default", "iterations", torch.linalg.svdvals, f32(3, 3)),
    declined("_linalg_eigh.default", "iterations", torch.linalg.eigvalsh, f32(3, 3)),
    declined("linalg_pinv.atol_rtol_tensor", "iterations", torch.linalg.pinv, f32(3, 2)),
    declined("linalg_matrix_exp.default", "iterations", torch.linalg.matrix_exp, f32(3, 3)),
    declined("linalg_qr.default", "orthogonal", torch.linalg.qr, f32(3, 2)),
    declined("linalg_householder_product.default", "orthogonal", torch.linalg.householder_product, f32(3, 2), f32(2)),
    Case("aten._linalg_svd.default", torch.linalg.cond, [f32(3, 3)], dtypes=F32, rejects="iterations", name="cond"),
    Case(
        "aten._linalg_svd.default",
        lambda x: torch.linalg.matrix_norm(x, "nuc"),
        [f32(3, 3)],
        dtypes=F32,
        rejects="iterations",
        name="nuclear norm",
    ),
    declined("view_as_complex.default", "no rule for complex", lambda x: torch.view_as_complex(x).prod(0), f32(3, 2)),
    declined("view_as_real.default", "no rule for complex", lambda x: torch.complex(x, x).tanh().real),
    declined("complex.default", "no rule for complex", lambda x: torch.complex(x, x).std()),
    declined("_fft_r2c.default", "static lengths", lambda x: torch.fft.rfft(x).abs(), f32(2, 2053)),
    declined("_fft_c2r.default", "static lengths", lambda x: torch.fft.irfft(torch.complex(x, x), n=4106), f32(2054)),
    declined("_fft_c2c.default", "static lengths", lambda x: torch.fft.fft(torch.complex(x, x)).abs(), f32(2053)),
]
