"""The operators that are declined."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
F32 = (torch.float32,)
GENERATOR = "random numbers"


def _in_place(change):
    """A change of a copy, which export turns into a functional operator."""
    return lambda x: change(x.clone())


def declined(target, reason, call, *inputs):
    return Case(f"aten.{target}", call, inputs or [f32(2, 4)], rejects=reason)


CASES = [
    Case("aten.rand_like.default", lambda x: x + torch.rand_like(x), [f32(4)], rejects=GENERATOR),
    Case("aten.randn_like.default", lambda x: x + torch.randn_like(x), [f32(4)], rejects=GENERATOR),
    Case("aten.randint_like.default", lambda x: x + torch.randint_like(x, 3), [f32(4)], rejects=GENERATOR),
    Case("aten.randint_like.low_dtype", lambda x: x + torch.randint_like(x, 1, 3), [f32(4)], rejects=GENERATOR),
    Case("aten.poisson.default", lambda x: torch.poisson(x.abs()), [f32(4)], rejects=GENERATOR),
    Case("aten.normal.Tensor_float", lambda x: torch.normal(x, 1.0), [f32(4)], rejects=GENERATOR),
    Case("aten.normal.float_Tensor", lambda x: torch.normal(0.0, x.abs()), [f32(4)], rejects=GENERATOR),
    Case("aten.normal_functional.default", _in_place(lambda x: x.normal_()), [f32(4)], rejects=GENERATOR),
    Case("aten.uniform.default", _in_place(lambda x: x.uniform_()), [f32(4)], rejects=GENERATOR),
    Case("aten.exponential.default", _in_place(lambda x: x.exponential_()), [f32(4)], rejects=GENERATOR),
    Case(
        "aten.rand.default", lambda x: torch.bernoulli(x), [f32(4, low=0, high=1)], rejects=GENERATOR, name="bernoulli"
    ),
    Case(
        "aten.native_dropout.default",
        lambda x: torch.nn.functional.dropout(x, 0.5, training=True),
        [f32(2, 4)],
        rejects="eval()",
    ),
    Case(
        "aten.native_dropout.default",
        lambda x: torch.ops.aten.native_dropout(x, 0.5, False),
        [f32(2, 4)],
        dynamic=N,
        name="inactive",
    ),
    # dropout that is not active leaves no operator
    Case("aten.dropout.default", lambda x: F.dropout(x, 0.5, False), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.alpha_dropout.default", lambda x: F.alpha_dropout(x, 0.5, False), [f32(2, 4)], whole=False),
    Case("aten.feature_dropout.default", lambda x: F.dropout2d(x, 0.5, False), [f32(2, 3, 4, 4)], whole=False),
    Case("aten.mode.default", lambda x: x.mode(), [i64(2, 4)], rejects="how often"),
    Case(
        "aten.embedding_renorm.default",
        torch.nn.Embedding(6, 3, max_norm=1.0),
        [i64(2, 4, low=0, high=6)],
        rejects="max_norm",
    ),
    declined("rand.default", "random", lambda x: x + torch.rand(4)),
    declined("randn.default", "random", lambda x: x + torch.randn(4)),
    declined("randint.low", "random", lambda x: x + torch.randint(1, 3, (4,))),
    declined("randint.default", "random", lambda x: x + torch.randint(3, (4,))),
    declined("randperm.default", "random", lambda x: x[:, torch.randperm(4)]),
    declined("bernoulli.p", "random", lambda x: torch.bernoulli(x, 0.5)),
    declined("multinomial.default", "random", lambda x: torch.multinomial(x.abs(), 2)),
    declined("normal.Tensor_Tensor", "random", lambda x: torch.normal(x, x.abs())),
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
    declined("view_as_complex.default", "complex", lambda x: torch.view_as_complex(x).abs(), f32(3, 2)),
    declined("view_as_real.default", "complex", lambda x: torch.view_as_real(torch.view_as_complex(x)), f32(3, 2)),
    declined("complex.default", "complex", lambda x: torch.complex(x, x).real),
    declined("_fft_r2c.default", "complex", lambda x: torch.fft.rfft(x).abs()),
    declined("_fft_c2r.default", "complex", lambda x: torch.fft.irfft(torch.fft.rfft(x))),
    declined("_fft_c2c.default", "complex", lambda x: torch.fft.fft(x).abs()),
]
