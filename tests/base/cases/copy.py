"""Copies and casts."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
SPECIAL = torch.tensor([1.9, -1.9, 0.0, -0.5, 300.0])
ALL = (torch.float32, torch.float16, torch.bfloat16)
ONE = (torch.float32,)
ROWS = (f32(2, 4),)


def cast(name, dtype, inputs=ROWS, **more):
    return Case("aten._to_copy.default", lambda x: x.to(dtype), inputs, dynamic=N, name=name, **more)


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
    Case("prims.convert_element_type.default", lambda x: x.renorm(2, 0, 1.0), [f32(2, 4)], dtypes=(torch.float16,)),
    Case("aten.copy.default", lambda x, y: x.clone().copy_(y) * 2, [f32(2, 4), f32(4)], dynamic=[N, None]),
    Case("aten.copy.default", lambda x, y: x.clone().copy_(y), [f32(2, 4), i64(2, 1)], dynamic=NN, name="promoted"),
    cast("half", torch.float16, dtypes=ONE),
    cast("bfloat16", torch.bfloat16, dtypes=ONE),
    cast("from_bfloat16", torch.float32, dtypes=(torch.bfloat16, torch.float16)),
    cast("int32", torch.int32),
    cast("int64", torch.int64),
    cast("bool", torch.bool, [f32(2, 4, low=-0.4, high=0.6)]),
    cast("int_bool", torch.bool, [i64(2, 8)]),
    cast("bool_float", torch.float32, [b8(2, 4)]),
    cast("bool_int", torch.int64, [b8(2, 4)]),
    cast("int_float", torch.float16, [i64(2, 4)]),
    cast("int64_int32", torch.int32, [i64(2, 4)]),
    cast("int32_int64", torch.int64, [i32(2, 4)]),
    cast("double", torch.float64),
    Case("aten._to_copy.default", lambda x, y: x.type_as(y), [i64(2, 4), f32(2)], dynamic=[N, None], name="type_as"),
    Case("aten.clone.default", lambda x: x.clone(), [f32(2, 4)], dynamic=N, dtypes=ALL, name="clone"),
    Case("aten.clone.default", lambda x: x.t().contiguous(), [i64(2, 4)], dynamic=N, name="contiguous"),
    Case(
        "aten.clone.default", lambda x: x + torch.tensor([1.0, 2.0]), [f32(3, 2)], dynamic=N, name="tensor", whole=False
    ),
    Case("aten.alias.default", lambda x: torch.ops.aten.alias(x), [f32(2, 4)], dynamic=N, name="alias"),
    Case("aten.alias.default", lambda x: x.detach() * 2, [f32(2, 4)], dynamic=N, name="detach"),
    Case("aten.copy.default", lambda x, y: x.clone().copy_(y), [f32(2, 4), i64(2, 4)], dynamic=[N, N], name="cast"),
    Case("aten.copy.default", lambda x, y: x.clone().copy_(y), [i64(2, 4), f32(2, 4)], dynamic=[N, N], name="to_int"),
    Case(
        "aten._local_scalar_dense.default",
        lambda x, y: x * y.item(),
        [f32(2, 4), f32(1)],
        dynamic=[N, None],
        dtypes=ONE,
    ),
    Case(
        "aten._local_scalar_dense.default",
        lambda x, i: x[i],
        [f32(4, 3), i64(low=0, high=3)],
        dynamic=[N, None],
        dynamic_min=3,
        name="index",
    ),
    Case(
        "aten._local_scalar_dense.default",
        lambda x, y: x * y.item(),
        [f32(2, 4), torch.tensor(200, dtype=torch.uint8)],
        dynamic=[N, None],
        name="byte",
    ),
]
