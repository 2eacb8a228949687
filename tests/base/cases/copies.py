"""Copies, casts, and the operators that are declined."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
SPECIAL = torch.tensor([1.9, -1.9, 0.0, -0.5, 300.0])
GENERATOR = "random numbers"


def _in_place(change):
    """A change of a copy, which export turns into a functional operator."""
    return lambda x: change(x.clone())


CASES = [
    Case("aten.clone.default", lambda x: x.clone() + 1, [f32(2, 4)], dynamic=N),
    Case("aten.alias.default", lambda x: x.detach() + 1, [f32(2, 4)], dynamic=N),
    Case("aten.lift_fresh_copy.default", lambda x: torch.ops.aten.lift_fresh_copy(x) + 1, [f32(2, 4)], whole=False),
    *(
        Case("aten._to_copy.default", lambda x, d=dtype: x.to(d), [SPECIAL], dynamic=N, name=f"to {dtype}")
        for dtype in (torch.int64, torch.int32, torch.bool, torch.float16, torch.bfloat16)
    ),
    *(
        Case(
            "aten._to_copy.default",
            lambda x: x.to(torch.float32),
            [kind(2, 4)],
            dynamic=N,
            name=f"from {kind.__name__}",
        )
        for kind in (i64, i32, b8)
    ),
    Case("aten._to_copy.default", lambda x: x.double(), [f32(2, 4)], rejects="float64", name="float64"),
    Case("aten.fill.Scalar", lambda x: torch.fill(x, 2) + x, [f32(2, 4)], dynamic=N, whole=False),
    Case("prims.convert_element_type.default", lambda x: x.renorm(2, 0, 1.0), [f32(2, 4)], dtypes=(torch.float16,)),
    Case("aten.copy.default", lambda x, y: x.clone().copy_(y) * 2, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.copy.default", lambda x, y: x.clone().copy_(y), [f32(2, 4), i64(2, 1)], dynamic=NN, name="promoted"),
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
]
