"""Rows of scattering."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

from ._special import SPECIAL

N = {0: "n"}
K = {0: "k"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
#: no index twice in a row: what then stays is not defined
DISTINCT = torch.tensor([[0, 2, 3], [3, 1, 0], [1, 0, 2]])
AGAIN = i64(3, 5, low=0, high=4)


def scatter(name, call, *inputs, dynamic=None, target="scatter.src", **more):
    return Case(f"aten.{target}", call, inputs, dynamic=dynamic, name=name, **more)


def reduced(name, operation, *inputs, include_self=True, **more):
    def call(x, index, src):
        return x.scatter_reduce(1, index, src, operation, include_self=include_self)

    return scatter(name, call, *inputs, target="scatter_reduce.two", **more)


def indexed(name, operation, *inputs, include_self=True, **more):
    def call(x, index, src):
        return x.index_reduce(0, index, src, operation, include_self=include_self)

    return scatter(name, call, *inputs, target="index_reduce.default", **more)


THREE = (f32(3, 4), AGAIN, f32(3, 5))
ROWS = [N, N, N]
CASES = [
    scatter("src", lambda x, i, s: x.scatter(1, i, s), f32(3, 4), DISTINCT, f32(3, 3), dtypes=ALL),
    scatter(
        "rows",
        lambda x, i, s: x.scatter(0, i, s),
        f32(4, 5),
        DISTINCT.t().contiguous(),
        f32(3, 3),
        dynamic=[{1: "m"}, None, None],
        dynamic_min=3,
    ),
    scatter("larger_src", lambda x, i, s: x.scatter(1, i, s), f32(3, 4), DISTINCT, f32(3, 6)),
    scatter("int", lambda x, i, s: x.scatter(-1, i, s), i64(3, 4), DISTINCT, i64(3, 3)),
    scatter("bool", lambda x, i, s: x.scatter(-1, i, s), b8(3, 4), DISTINCT, b8(3, 3)),
    scatter("scalar", lambda x, i, s: x.scatter(0, i, s), f32(), i64(low=0, high=1), f32()),
    scatter(
        "dynamic", lambda x, i, s: x.scatter(1, i, s), f32(3, 4), i64(3, 1, low=0, high=4), f32(3, 1), dynamic=ROWS
    ),
    scatter("value", lambda x, i: x.scatter(1, i, 2.5), f32(3, 4), AGAIN, dynamic=[N, N], target="scatter.value"),
    scatter("int_value", lambda x, i: x.scatter(1, i, 1), i64(3, 4), AGAIN, dynamic=[N, N], target="scatter.value"),
    scatter("mask", lambda i: torch.zeros(3, 4, dtype=torch.bool).scatter(1, i, True), AGAIN, target="scatter.value"),
    scatter("add", lambda x, i, s: x.scatter_add(1, i, s), *THREE, dynamic=ROWS, target="scatter_add.default"),
    scatter(
        "add_rows",
        lambda x, i, s: x.scatter_add(0, i, s),
        f32(4, 3),
        i64(5, 3, low=0, high=4),
        f32(5, 3),
        dynamic=[N, K, K],
        dynamic_min=4,
        target="scatter_add.default",
    ),
    scatter(
        "add_int",
        lambda x, i, s: x.scatter_add(1, i, s),
        i64(3, 4),
        AGAIN,
        i64(3, 5),
        dynamic=ROWS,
        target="scatter_add.default",
    ),
    scatter(
        "add_larger_src",
        lambda x, i, s: x.scatter_add(1, i, s),
        f32(3, 4),
        AGAIN,
        f32(4, 6),
        target="scatter_add.default",
    ),
    scatter(
        "add_scalar",
        lambda x, i, s: x.scatter_add(0, i, s),
        f32(),
        i64(low=0, high=1),
        f32(),
        target="scatter_add.default",
    ),
    scatter(
        "add_smaller",
        lambda x, i, s: x.scatter_add(1, i, s),
        f32(4, 4),
        AGAIN,
        f32(3, 5),
        target="scatter_add.default",
        rejects="smaller",
    ),
    scatter(
        "legacy_add", lambda x, i, s: x.scatter(1, i, s, reduce="add"), *THREE, dynamic=ROWS, target="scatter.reduce"
    ),
    scatter(
        "legacy_multiply",
        lambda x, i, s: x.scatter(1, i, s, reduce="multiply"),
        *THREE,
        dynamic=ROWS,
        target="scatter.reduce",
    ),
    scatter(
        "value_add",
        lambda x, i: x.scatter(1, i, 2, reduce="add"),
        f32(3, 4),
        AGAIN,
        dynamic=[N, N],
        target="scatter.value_reduce",
    ),
    scatter(
        "value_multiply",
        lambda x, i: x.scatter(1, i, 2, reduce="multiply"),
        i64(3, 4),
        AGAIN,
        target="scatter.value_reduce",
    ),
    *(reduced(op, op, *THREE, dynamic=ROWS) for op in ("sum", "prod", "mean", "amax", "amin")),
    *(
        reduced(f"{op}_without", op, *THREE, dynamic=ROWS, include_self=False)
        for op in ("sum", "prod", "mean", "amax", "amin")
    ),
    *(reduced(f"{op}_int", op, i64(3, 4), AGAIN, i64(3, 5)) for op in ("prod", "mean", "amax")),
    reduced("amin_int32", "amin", i32(3, 4), AGAIN, i32(3, 5), include_self=False),
    *(
        indexed(op, op, f32(4, 3), i64(5, low=0, high=4), f32(5, 3), dynamic=[N, K, K], dynamic_min=4)
        for op in ("prod", "mean", "amax", "amin")
    ),
    indexed("amax_without", "amax", f32(4, 3), i64(5, low=0, high=4), f32(5, 3), include_self=False),
    *(
        Case(
            "aten.scatter_reduce.two",
            lambda x, index, r=r: x.scatter_reduce(1, index, x.flip(1), r, include_self=r == "amax"),
            [SPECIAL, torch.tensor([[0, 0, 1, 1]] * 5)],
            name=f"special {r}",
        )
        for r in ("amax", "amin")
    ),
]
