"""Random numbers: rows hold what is true of all that PyTorch may draw; tests/base/test_random.py their distribution."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

from ._versions import GENERATORS

N = {0: "n"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
X = (f32(2, 4),)


def within(target, low, high, draw, inputs=X, dynamic=N, dtypes=ALL, **more):
    """A tensor of bools in the shape of the numbers, all of which are true."""
    return Case(
        f"aten.{target}",
        lambda x: (draw(x) >= low).logical_and(draw(x) <= high),
        inputs,
        dynamic=dynamic,
        dtypes=dtypes,
        **more,
    )


def _in_place(draw):
    """A change of a copy, which export turns into a functional operator."""
    return lambda x: draw(x.clone())


def _generator(draw):
    generator = torch.Generator()
    return lambda x: draw(x, generator)


CASES = [
    within("rand.default", 0, 1 - 2**-24, lambda x: torch.rand(x.shape[0], 3)),
    within("rand.default", 0, 1 - 2**-24, lambda x: torch.rand(2, 3), name="static", dynamic=None),
    within("rand.default", 0, 1 - 2**-24, lambda x: torch.rand(()), name="scalar"),
    within("rand.default", 0, 1 - 2**-24, lambda x: torch.rand(0, 3), name="empty"),
    within("rand.default", 0, 1 - 2**-11, lambda x: torch.rand(50, dtype=torch.float16), name="half"),
    within("rand_like.default", 0, 1 - 2**-11, torch.rand_like, dtypes=(torch.float16,)),
    within("rand_like.default", 0, 1 - 2**-24, torch.rand_like, dtypes=(torch.float32,), name="float32"),
    within("rand_like.default", 0, 1 - 2**-8, torch.rand_like, [f32(300)], dtypes=(torch.bfloat16,), name="bfloat16"),
    within("rand_like.default", 0, 1, lambda x: torch.rand_like(x, dtype=torch.float32), [i64(2)], name="dtype"),
    within("rand_like.default", 0, 1, torch.rand_like, [f32()], dynamic=None, name="scalar"),
    within("randn.default", -20, 20, lambda x: torch.randn(2, x.shape[0])),
    within("randn_like.default", -20, 20, torch.randn_like),
    Case("aten.randn_like.default", lambda x: x + 0 * torch.randn_like(x), X, dynamic=N, dtypes=ALL, name="added"),
    within("normal.Tensor_Tensor", -50, 50, lambda x: torch.normal(x, x.abs())),
    Case("aten.normal.Tensor_Tensor", lambda x: torch.normal(x[:, None], x.abs() * 0), [f32(4)], name="broadcast"),
    Case("aten.normal.Tensor_float", lambda x: torch.normal(x, 0.0), X, dynamic=N, dtypes=ALL),
    within("normal.float_Tensor", -50, 50, lambda x: torch.normal(1.0, x.abs())),
    within("normal.float_float", 100, 300, lambda x: torch.normal(200.0, 2.0, (x.shape[0], 3))),
    within("normal_functional.default", 100, 300, _in_place(lambda x: x.normal_(200.0, 2.0))),
    within("normal_functional.default", 100, 300, lambda x: torch.empty(3).normal_(200.0, 2.0), name="of_a_constant"),
    within("uniform.default", -3, 2, _in_place(lambda x: x.uniform_(-3, 2))),
    within("exponential.default", 2**-24, 17, _in_place(lambda x: x.float().exponential_())),
    within("exponential.default", 0, 8.5, _in_place(lambda x: x.exponential_(2.0)), name="rate"),
    within("geometric.default", 1, 50, _in_place(lambda x: x.geometric_(0.5))),
    within("geometric.default", 1, 1, _in_place(lambda x: x.geometric_(1 - 1e-15)), name="certain"),
    within("cauchy.default", -1e38, 1e38, _in_place(lambda x: x.float().cauchy_(1.0, 2.0))),
    within("log_normal.default", 0, 1000, _in_place(lambda x: x.log_normal_(0.0, 0.5))),
    Case("aten.bernoulli.default", lambda x: torch.bernoulli((x > 0).float()), X, dynamic=N),
    Case("aten.bernoulli.p", lambda x: torch.bernoulli(x, 1.0), X, dynamic=N, dtypes=ALL),
    Case("aten.bernoulli.p", lambda x: torch.bernoulli(x, 0.0), X, dynamic=N, name="never"),
    Case("aten.bernoulli.Tensor", lambda x: x.clone().bernoulli_((x > 0).float()), X, dynamic=N, dtypes=ALL),
    within("bernoulli.p", 0, 1, lambda x: torch.empty(3, dtype=torch.int64).bernoulli_(0.5), name="int"),
    Case("aten.native_dropout.default", lambda x: torch.ops.aten.native_dropout(x, 0.5, False), X, dynamic=N),
    Case(
        "aten.native_dropout.default",
        lambda x: torch.ops.aten.native_dropout(x, 0.0, True),
        X,
        dynamic=N,
        name="of_nothing",
    ),
    Case("aten.native_dropout.default", lambda x: F.dropout(x, 0.5, True), X, rejects="eval()", name="active"),
    # dropout that is not active leaves no operator
    Case("aten.dropout.default", lambda x: F.dropout(x, 0.5, False), X, dynamic=N, whole=False),
    Case("aten.alpha_dropout.default", lambda x: F.alpha_dropout(x, 0.5, False), X, whole=False),
    Case("aten.feature_dropout.default", lambda x: F.dropout2d(x, 0.5, False), [f32(2, 3, 4, 4)], whole=False),
    Case(
        "aten.bernoulli.p",
        _generator(lambda x, g: torch.bernoulli(x, 0.5, generator=g)),
        X,
        rejects="torch.Generator",
        name="seeded",
        xfail=GENERATORS,
    ),
    Case(
        "aten.normal.Tensor_float",
        _generator(lambda x, g: torch.normal(x, 1.0, generator=g)),
        X,
        rejects="torch.Generator",
        name="seeded",
        xfail=GENERATORS,
    ),
]
