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
#: an index smaller than the input, and than the source
SMALLER = (f32(5, 4, 3), i64(3, 6, 2, low=0, high=4), f32(4, 7, 2))
#: two rows of the input lie beyond the index
ROWS_SMALLER = (f32(5, 4), AGAIN, f32(3, 5))


def _with_rows_beyond(operation):
    """A reduction to an index with two rows less than the input, however many that has."""
    return lambda x, index, src: x.scatter_reduce(1, index[:-2], src[:-2], operation, include_self=False)


ROWS = [N, N, N]
ADD = {"target": "scatter_add.default"}
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
    scatter("index_scalar", lambda x, i, s: x.scatter_add(0, i, s), f32(4), i64(low=0, high=4), f32(), **ADD),
    scatter(
        "smaller",
        lambda x, i, s: x.scatter_add(1, i, s),
        *SMALLER,
        dynamic=[{1: "m"}, {1: "k"}, {1: "k"}],
        dynamic_min=4,
        **ADD,
    ),
    scatter("smaller_first", lambda x, i, s: x.scatter_add(0, i, s), f32(4, 6), AGAIN, f32(4, 7), **ADD),
    scatter("smaller_int", lambda x, i, s: x.scatter_add(-1, i, s), i64(5, 4), AGAIN, i64(3, 5), **ADD),
    scatter("empty", lambda x, i, s: x.scatter_add(1, i, s), f32(3, 4), i64(3, 0), f32(3, 2), **ADD),
    scatter("bool", lambda x, i, s: x.scatter_add(1, i, s), b8(3, 4), AGAIN, b8(3, 5), dynamic=ROWS, **ADD),
    scatter(
        "smaller",
        lambda x, i, s: x.scatter(1, i, s),
        f32(5, 6),
        DISTINCT,
        f32(4, 3),
        dynamic=[N, None, None],
        dynamic_min=5,
    ),
    scatter("index_scalar", lambda x, i, s: x.scatter(0, i, s), f32(4), i64(low=0, high=4), f32()),
    scatter(
        "legacy_smaller",
        lambda x, i, s: x.scatter(1, i, s, reduce="add"),
        *ROWS_SMALLER,
        target="scatter.reduce",
    ),
    scatter(
        "value_smaller",
        lambda x, i: x.scatter(1, i, 2, reduce="multiply"),
        f32(5, 4),
        AGAIN,
        target="scatter.value_reduce",
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
    *(
        reduced(f"{op}_smaller{'' if own else '_without'}", op, *ROWS_SMALLER, include_self=own)
        for op in ("sum", "prod", "mean", "amax", "amin")
        for own in (True, False)
    ),
    *(
        scatter(
            f"{op}_rows_beyond",
            _with_rows_beyond(op),
            *(f32(5, 4), i64(5, 5, low=0, high=4), f32(5, 5)),
            dynamic=ROWS,
            dynamic_min=3,
            target="scatter_reduce.two",
        )
        for op in ("prod", "mean", "amax")
    ),
    *(
        reduced(f"{op}_bool", op, b8(3, 4), AGAIN, b8(3, 5), dynamic=ROWS, include_self=False)
        for op in ("sum", "prod", "amax", "amin")
    ),
    reduced("amin_int32", "amin", i32(3, 4), AGAIN, i32(3, 5), include_self=False),
    *(
        indexed(op, op, f32(4, 3), i64(5, low=0, high=4), f32(5, 3), dynamic=[N, K, K], dynamic_min=4)
        for op in ("prod", "mean", "amax", "amin")
    ),
    *(indexed(f"{op}_scalar", op, f32(), torch.tensor(0), f32(), include_self=op != "amin") for op in ("mean", "amin")),
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
