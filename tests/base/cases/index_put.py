"""Writing by index."""

import torch
from torch2trt.testing import Case, b8, f32, i64

from .indexing import INDEX, at

N = {0: "n"}
NM = {0: "n", 1: "m"}
K = {0: "k"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
MASK = torch.tensor([[True, False, True, False], [False, False, True, True], [True, True, False, False]])
DISTINCT = torch.tensor([2, 0, -1])


def put(name, call, inputs, dynamic=None, **more):
    return Case("aten.index_put.default", call, inputs, dynamic=dynamic, name=name, **more)


def assigned(place=lambda i: i):
    """A model that writes to an index."""

    def call(x, values, index):
        x = x.clone()
        x[place(index)] = values
        return x

    return call


def accumulated(x, values, index):
    return torch.index_put(x, (index,), values, accumulate=True)


CASES = [
    put("rows", assigned(), [f32(4, 3), f32(3, 3), DISTINCT], [N, None, None], dynamic_min=4, dtypes=ALL),
    put("scalar", assigned(), [f32(4, 3), f32(), DISTINCT], [N, None, None], dynamic_min=4),
    put("columns", assigned(lambda i: (slice(None), i)), [f32(2, 4), f32(3), DISTINCT], [N, None, None]),
    put("int", assigned(), [i64(4, 3), i64(3), DISTINCT], [N, None, None], dynamic_min=4),
    put("bool", assigned(), [b8(4, 3), b8(3, 3), DISTINCT], [N, None, None], dynamic_min=4),
    put("two", assigned(lambda i: (i, i)), [f32(4, 5), f32(3), DISTINCT], [NM, None, None], dynamic_min=4),
    put("middle", assigned(lambda i: (slice(None), i, i)), [f32(2, 4, 5), f32(2, 3), DISTINCT], [N, N, None]),
    put(
        "apart",
        assigned(lambda i: (i, slice(None), i)),
        [f32(4, 2, 5), f32(3, 2), DISTINCT],
        [N, None, None],
        dynamic_min=4,
    ),
    put("matrix_index", assigned(lambda i: (i[:, None], i)), [f32(4, 5), f32(3, 1), DISTINCT]),
    put(
        "constant",
        lambda x, y: torch.index_put(x, (torch.tensor([0, -1]),), y),
        [f32(4, 3), f32(3)],
        [N, None],
        dynamic_min=3,
    ),
    put("accumulated", accumulated, [f32(4, 3), f32(5, 3), INDEX], [N, K, K], dynamic_min=4),
    put("accumulated_int", accumulated, [i64(4), i64(), INDEX], [N, None, K], dynamic_min=4),
    put(
        "accumulated_two",
        lambda x, v, i, j: torch.index_put(x, (i, j), v, accumulate=True),
        [f32(4, 4), f32(5), INDEX, INDEX],
        [NM, K, K, K],
        dynamic_min=4,
    ),
    put("accumulated_bool", accumulated, [b8(4), b8(5), INDEX], rejects="bools"),
    put("mask_scalar", assigned(), [f32(3, 4), f32(), b8(3, 4)], [N, None, N], dtypes=ALL),
    put("mask_one", assigned(), [f32(3, 4), f32(1), b8(3, 4)], [N, None, N]),
    put("mask_rows", assigned(), [f32(3, 4), f32(4), b8(3)], [N, None, N]),
    put("mask_columns", assigned(lambda m: (slice(None), m)), [i64(3, 4), i64(3, 1), b8(4)], [N, N, None]),
    put("mask_values", assigned(), [f32(3, 4), f32(6), MASK], None),
    put(
        "mask_and_index",
        lambda x, v, m, i: torch.index_put(x, (m, i), v),
        [f32(2, 4), f32(), b8(2), i64(1, low=0, high=2)],
        rejects="together",
    ),
    put("mask_accumulated", accumulated, [f32(3, 4), f32(), b8(3, 4)], [N, None, N]),
    at("put.default", "put", lambda x, i, s: x.put(i, s), f32(3, 4), DISTINCT, f32(3), dynamic=[N, None, None]),
    at("put.default", "accumulated", lambda x, i, s: x.put(i, s, True), i64(3, 4), INDEX, i64(5), dynamic=[N, K, K]),
    at(
        "index_copy.default",
        "copy",
        lambda x, i, s: x.index_copy(1, i, s),
        f32(2, 4),
        DISTINCT.abs(),
        f32(2, 3),
        dynamic=[N, None, N],
        whole=False,
    ),
    at(
        "index_fill.int_Scalar",
        "fill",
        lambda x, i: x.index_fill(0, i, 2),
        f32(4, 3),
        DISTINCT.abs(),
        dynamic=[N, None],
        dynamic_min=4,
        whole=False,
    ),
    at(
        "index_add.default",
        "add",
        lambda x, i, s: x.index_add(1, i, s),
        f32(2, 4),
        i64(5, low=0, high=4),
        f32(2, 5),
        dynamic=[N, K, {0: "n", 1: "k"}],
        whole=False,
    ),
    at(
        "index_add.default",
        "alpha",
        lambda x, i, s: x.index_add(0, i, s, alpha=2),
        i64(4, 2),
        i64(3, low=0, high=4),
        i64(3, 2),
        whole=False,
    ),
]
