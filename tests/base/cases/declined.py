"""The operators that are declined."""

import math

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
GENERATOR = "random numbers"
NAN = torch.tensor([[1.0, float("nan"), 3.0, 2.0], [2.0, 2.0, -math.inf, math.inf]])


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
    Case("aten.nanmedian.default", torch.nanmedian, [NAN], rejects="NaN"),
    Case("aten.nanmedian.dim", lambda x: x.nanmedian(1), [NAN], rejects="NaN"),
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
    declined("view_as_complex.default", "no rule for complex", lambda x: torch.view_as_complex(x).prod(0), f32(3, 2)),
    declined("view_as_real.default", "no rule for complex", lambda x: torch.complex(x, x).tanh().real),
    declined("complex.default", "no rule for complex", lambda x: torch.complex(x, x).std()),
    declined("_fft_r2c.default", "static lengths", lambda x: torch.fft.rfft(x).abs(), f32(2, 2053)),
    declined("_fft_c2r.default", "static lengths", lambda x: torch.fft.irfft(torch.complex(x, x), n=4102), f32(2052)),
    declined("_fft_c2c.default", "static lengths", lambda x: torch.fft.fft(torch.complex(x, x)).abs(), f32(2053)),
]
