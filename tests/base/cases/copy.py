"""Copies and casts."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NN = [N, N]
SPECIAL = torch.tensor([1.9, -1.9, 0.0, -0.5, 300.0])
ALL = (torch.float32, torch.float16, torch.bfloat16)
ONE = (torch.float32,)
ROWS = (f32(2, 4),)
MIDDLE = {1: "m"}
aten, prims = torch.ops.aten, torch.ops.prims


def iota(x):
    """The input and the numbers of its rows."""
    return x + prims.iota(x.shape[0], start=1, step=2, dtype=torch.int64, device="cpu", requires_grad=False)[:, None]


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
    Case("aten._to_copy.default", lambda x: x.to(torch.float8_e4m3fn).to(x.dtype), ROWS, N, ALL, name="by float8"),
    Case("aten._to_copy.default", lambda x: x.to(torch.float8_e5m2), ROWS, rejects="float8_e5m2", name="float8_e5m2"),
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


def copied(name, call, overload="default", dynamic=MIDDLE):
    """A copy of a view, which becomes the view."""
    target = f"aten.{name}_copy.{overload}"
    return Case(target, call, [f32(3, 4, 5)], dynamic=dynamic, dynamic_min=2, whole=False, name="copy")


def primitive(name, call, *inputs):
    """One of PyTorch's primitive operators, which becomes its ATen operator."""
    of = "of integers" if inputs else ""
    return Case(f"prims.{name}.default", call, inputs or [f32(3, 4)], dynamic=N, whole=False, name=of)


CASES += [
    copied("view", lambda x: aten.view_copy.dtype(x, x.dtype), "dtype"),
    copied("_reshape", lambda x: aten._reshape_copy(x, [15, -1])),
    copied("_reshape_alias", lambda x: aten._reshape_alias_copy(x, [12, 5], [5, 1]), dynamic=None),
    copied("as_strided", lambda x: aten.as_strided_copy(x, [2, 3], [20, 2], 1), dynamic=None),
    copied("transpose", lambda x: aten.transpose_copy(x, 0, 1), "int"),
    copied("t", lambda x: aten.t_copy(x[0])),
    copied("unsqueeze", lambda x: aten.unsqueeze_copy(x, -1)),
    copied("squeeze", lambda x: aten.squeeze_copy.dims(x[:1], [0, 2]), "dims"),
    copied("expand", lambda x: aten.expand_copy(x, [2, -1, -1, -1])),
    copied("narrow", lambda x: aten.narrow_copy(x, 0, 1, 2)),
    copied("split", lambda x: aten.split_copy(x, 2, 0), "Tensor"),
    copied("split_with_sizes", lambda x: aten.split_with_sizes_copy(x, [1, 4], -1)),
    copied("unbind", lambda x: aten.unbind_copy(x, 0), "int"),
    copied("diagonal", lambda x: aten.diagonal_copy(x, 0, 0, 2)),
    copied("unfold", lambda x: aten.unfold_copy(x, 0, 2, 1)),
    copied("alias", lambda x: aten.alias_copy(x)),
    copied("detach", lambda x: aten.detach_copy(x)),
    copied("_neg_view", lambda x: aten._neg_view_copy(x)),
    primitive("sum", lambda x: prims.sum(x, [1])),
    primitive("prod", lambda x: prims.prod(x, [1])),
    primitive("amax", lambda x: prims.amax(x, [0])),
    primitive("var", lambda x: prims.var(x, [1], 1.0)),
    primitive("div", lambda x: prims.div(x, x + 4)),
    primitive("div", lambda x: prims.div(x, x.abs() + 2), i64(3, 4)),
    primitive("sub", lambda x: prims.sub(x, x * 2)),
    primitive("pow", lambda x: prims.pow(x.abs(), x)),
    primitive("remainder", lambda x: prims.remainder(x, x.abs() + 1)),
    primitive("where", lambda x: prims.where(x > 0, x, x * 2)),
    primitive("fmax", lambda x: prims.fmax(x, -x)),
    primitive("rsqrt", lambda x: prims.rsqrt(x.abs() + 1)),
    primitive("rev", lambda x: prims.rev(x, [0, 1])),
    primitive("reshape", lambda x: prims.reshape(x, [2, 2, x.shape[0]])),
    primitive("cat", lambda x: prims.cat([x, x], 0)),
    primitive("iota", iota),
]
