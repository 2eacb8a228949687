"""Reading by index."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
K = {0: "k"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
INDEX = i64(5, low=-4, high=4)
MASK = torch.tensor([[True, False, True, False], [False, False, True, True], [True, True, False, False]])


def index(name, call, inputs, dynamic=None, **more):
    return Case("aten.index.Tensor", call, inputs, dynamic=dynamic, name=name, **{"dynamic_min": 4, **more})


def at(target, name, call, *inputs, dynamic=None, **more):
    return Case(f"aten.{target}", call, inputs, dynamic=dynamic, name=name, **more)


class Masked(torch.nn.Module):
    """A mask among the model's buffers is a constant."""

    def __init__(self, mask, columns=False):
        super().__init__()
        self.register_buffer("mask", mask)
        self.columns = columns

    def forward(self, x):
        return x[:, self.mask] if self.columns else x[self.mask]


CASES = [
    index("rows", lambda x, i: x[i], [f32(4, 3), INDEX], [N, K], dtypes=ALL),
    index("columns", lambda x, i: x[:, i], [f32(2, 4), INDEX], [{1: "m"}, K]),
    index("int", lambda x, i: x[i], [i64(4, 3), INDEX], [N, K]),
    index("bool", lambda x, i: x[i], [b8(4, 3), INDEX], [N, K]),
    index("int32_index", lambda x, i: x[i], [f32(4, 3), i32(5, low=-4, high=4)], [N, K]),
    index("matrix_index", lambda x, i: x[i], [f32(4, 3), i64(2, 3, low=-4, high=4)], [N, None]),
    index("two", lambda x, i, j: x[i, j], [f32(4, 5), INDEX, INDEX], [NM, K, K]),
    index("two_broadcast", lambda x, i, j: x[i[:, None], j], [f32(4, 5), INDEX, i64(2, low=0, high=4)], [NM, K, None]),
    index("middle", lambda x, i, j: x[:, i, j], [f32(2, 4, 5), INDEX, INDEX], [{1: "n", 2: "m"}, K, K]),
    index("apart", lambda x, i, j: x[i, :, j], [f32(4, 2, 5), INDEX, INDEX], [{0: "n", 2: "m"}, K, K]),
    index("apart_last", lambda x, i, j: x[:, i, :, j], [f32(5, 4, 2, 4), INDEX, INDEX], [N, K, K]),
    index("three", lambda x, i: x[i, i, i], [f32(4, 4, 4), INDEX]),
    index("with_slice", lambda x, i: x[1:, i], [f32(4, 4), INDEX], [N, K]),
    index("with_none", lambda x, i: x[i, None], [f32(4, 3), INDEX], [N, K]),
    index("constant", lambda x: x[:, [2, 0, -1]], [f32(4, 3)], N),
    index("constant_negative", lambda x: x[[-1, 0]], [f32(4, 3)], N),
    index("constant_two", lambda x: x[[0, -1], [1, -2]], [f32(4, 5)], NM),
    index("constant_mask", Masked(torch.tensor([True, False, True]), columns=True), [f32(4, 3)], N),
    index("constant_mask_2d", Masked(MASK), [i64(3, 4)], None),
    index("literal_mask", lambda x: x[:, torch.tensor([True, False, True])] * 2, [f32(4, 3)], N),
    index("computed_mask", lambda x: x[torch.ones(4, 4, dtype=torch.bool).tril()], [f32(4, 4)], None),
    index("literal_places", lambda x: x[:, torch.tensor([0, 4, 1]).nonzero().squeeze(1)], [f32(4, 3)], N),
    index("table", lambda i: torch.arange(8.0).reshape(4, 2)[i], [INDEX], K),
    index("mask", lambda x, m: x[m], [f32(3, 4), b8(3, 4)], None, rejects="written back with the same mask"),
    at(
        "take.default",
        "take",
        lambda x, i: x.take(i),
        f32(4, 4),
        i64(5, low=-16, high=16),
        dynamic=[NM, K],
        dynamic_min=4,
        whole=False,
    ),
    at(
        "index_select.default",
        "rows",
        lambda x, i: x.index_select(0, i),
        f32(4, 3),
        i64(5, low=0, high=4),
        dynamic=[N, K],
        dynamic_min=4,
    ),
    at(
        "index_select.default",
        "columns",
        lambda x, i: x.index_select(-1, i),
        i64(2, 4),
        i32(5, low=0, high=4),
        dynamic=[N, K],
    ),
    at(
        "index_select.default",
        "bool",
        lambda x, i: x.index_select(1, i),
        b8(2, 4),
        i64(5, low=0, high=4),
        dynamic=[N, K],
    ),
    at("index_select.default", "scalar", lambda x, i: x.index_select(0, i), f32(4, 3), i64(low=0, high=4)),
    at("index_select.default", "cross", lambda x, y: torch.linalg.cross(x, y), f32(2, 3), f32(2, 3), whole=False),
    at("embedding.default", "module", torch.nn.Embedding(6, 3, padding_idx=1), i64(2, 4, low=0, high=6), dynamic=NM),
    at("embedding.default", "runtime", F.embedding, i64(7, low=0, high=6), f32(6, 3), dynamic=[K, N], dynamic_min=6),
    at("embedding.default", "int32", torch.nn.Embedding(6, 3), i32(2, 4, low=0, high=6), dynamic=N),
    at(
        "gather.default",
        "columns",
        lambda x, i: x.gather(1, i),
        f32(3, 4),
        i64(3, 2, low=0, high=4),
        dynamic=[N, NM],
        dtypes=ALL,
    ),
    at(
        "gather.default",
        "rows",
        lambda x, i: x.gather(0, i),
        f32(3, 4),
        i64(5, 4, low=0, high=3),
        dynamic=[{1: "m"}, {0: "k", 1: "m"}],
    ),
    at("gather.default", "smaller", lambda x, i: x.gather(-1, i), f32(3, 4), i64(2, 2, low=0, high=4)),
    at("gather.default", "int", lambda x, i: x.gather(1, i), i64(3, 4), i64(3, 2, low=0, high=4), dynamic=[N, N]),
    at("gather.default", "bool", lambda x, i: x.gather(1, i), b8(3, 4), i64(3, 2, low=0, high=4), dynamic=[N, N]),
    at("gather.default", "scalar", lambda x, i: x.gather(0, i), f32(), i64(low=0, high=1)),
    at("combinations.default", "pairs", lambda x: torch.combinations(x), f32(4), whole=False),
]
