"""Slices, splits and flips."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
MATRIX = (f32(4, 6),)


def slice_(name, call, inputs=MATRIX, dynamic=NM, **more):
    return Case("aten.slice.Tensor", call, inputs, dynamic=dynamic, name=name, **{"dynamic_min": 4, **more})


def select(name, call, inputs=MATRIX, dynamic=N, **more):
    return Case("aten.select.int", call, inputs, dynamic=dynamic, name=name, **{"dynamic_min": 2, **more})


def split(name, call, inputs=MATRIX, dynamic=N, **more):
    return Case("aten.split_with_sizes.default", call, inputs, dynamic=dynamic, name=name, **more)


CASES = [
    slice_("start", lambda x: x[:, 2:], dtypes=ALL),
    slice_("end", lambda x: x[:, :3]),
    slice_("both", lambda x: x[1:3, 2:4]),
    slice_("negative_start", lambda x: x[:, -2:]),
    slice_("negative_end", lambda x: x[:-1, 1:-1]),
    slice_("step", lambda x: x[:, 1::2]),
    slice_("step_3", lambda x: x[:, 1:-1:3], [f32(6, 9)], dynamic_min=6),
    slice_("all_steps", lambda x: x[::2, ::3]),
    slice_("beyond", lambda x: x[:, 1:100]),
    slice_("before", lambda x: x[:, -100:3]),
    slice_("empty", lambda x: torch.cat((x[:, 3:2], x), 1), dynamic=None),
    slice_("int", lambda x: x[1:], [i64(4, 6)]),
    slice_("int32", lambda x: x[:, ::2], [i32(4, 6)]),
    slice_("bool", lambda x: x[:, 1:4], [b8(4, 6)]),
    slice_("half_of_size", lambda x, y: x[: y.shape[0] // 2], [f32(5, 2), f32(4)], [None, N]),
    slice_("by_other", lambda x, y: x[: y.shape[0]], [f32(4, 6), f32(2)], [N, None]),
    slice_("by_size_of_other", lambda x, y: x[y.shape[0] :], [f32(9, 2), f32(2)], [None, N], dynamic_min=1),
    slice_("negative_size", lambda x, y: x[:, -y.shape[0] :], [f32(4, 9), f32(2)], [None, N], dynamic_min=2),
    slice_("narrow", lambda x: x.narrow(1, 1, 2)),
    slice_("narrow_negative", lambda x: x.narrow(1, -3, 2)),
    slice_("unbind", lambda x: x.unbind(1), dynamic=N),
    slice_("tensor_split", lambda x: x.tensor_split(4, 1), dynamic=N),
    slice_("tensor_split_even", lambda x: x.tensor_split(2, 1), dynamic=N),
    slice_("tensor_split_indices", lambda x: x.tensor_split((1, 3), 1), [f32(5, 6)], dynamic_min=5),
    Case("aten.slice_copy.Tensor", lambda x: torch.slice_copy(x, 1, 1, 3), [f32(2, 4)], dynamic=N, name="copy"),
    select("first", lambda x: x[0]),
    select("last", lambda x: x[-1]),
    select("column", lambda x: x[:, 3], dtypes=ALL),
    select("negative", lambda x: x.select(-1, -2)),
    select("int", lambda x: x[:, 1], [i64(4, 6)]),
    select("bool", lambda x: x[1], [b8(4, 6)]),
    select("by_size", lambda x: x[x.shape[0] - 2]),
    select("to_scalar", lambda x: x[1], [f32(4)]),
    Case("aten.select_copy.int", lambda x: torch.select_copy(x, 1, 2), [f32(2, 4)], dynamic=N, name="copy"),
    split("split", lambda x: x.split(2, 1), dtypes=ALL),
    split("uneven", lambda x: x.split(4, -1)),
    split("sizes", lambda x: x.split([1, 3, 2], 1)),
    split("zero", lambda x: x.split([0, 6], 1)[1]),
    split("chunk", lambda x: x.chunk(3, 1)),
    split("chunk_uneven", lambda x: x.chunk(4, 1)),
    split("chunk_rows", lambda x: x.chunk(2, 0), dynamic=None),
    split("dynamic_sizes", lambda x: x.split([1, x.shape[0] - 1], 0), dynamic_min=3),
    split("int", lambda x: x.split(3, 1), [i64(4, 6)]),
    split("bool", lambda x: x.split(3, 1), [b8(4, 6)]),
    Case("aten.flip.default", lambda x: x.flip(1), [f32(4, 6)], dynamic=NM, dtypes=ALL, name="last"),
    Case("aten.flip.default", lambda x: x.flip(0, -1), [i64(4, 6)], dynamic=NM, name="both"),
    Case("aten.flip.default", lambda x: x.flip(0), [b8(4)], dynamic=N, name="bool"),
    Case("aten.flip.default", lambda x: x.flip(0), [f32()], name="scalar"),
    Case("aten.flip.default", torch.fliplr, [f32(4, 6)], dynamic=NM, name="fliplr"),
    Case("aten.flip.default", lambda x: x.rot90(1, (0, 1)), [f32(4, 6)], dynamic=NM, name="rot90"),
    Case("aten.flip.default", lambda x: x.rot90(-1, (1, 2)), [f32(2, 3, 4)], dynamic=NM, name="rot90_back"),
    Case("aten.flip.default", lambda x: x.rot90(2, (0, 1)), [i64(4, 6)], dynamic=NM, name="rot180"),
    Case(
        "aten.narrow.Tensor",
        lambda x, start: x.narrow(0, start, 2),
        [f32(5, 3), torch.tensor(-4)],
        dynamic=[{1: "m"}, None],
        whole=False,
    ),
    Case(
        "aten.narrow.Tensor",
        lambda x: x.narrow(0, torch.tensor(2), 2),
        [f32(5, 3)],
        dynamic={1: "m"},
        whole=False,
        name="constant",
    ),
    Case(
        "aten.tensor_split.tensor_indices_or_sections",
        lambda x: torch.tensor_split(x, torch.tensor([1, 3])),
        [f32(5, 3)],
        dynamic={1: "m"},
        whole=False,
    ),
    Case(
        "aten.tensor_split.tensor_indices_or_sections",
        lambda x: torch.tensor_split(x, torch.tensor(3)),
        [f32(5, 3)],
        dynamic={1: "m"},
        whole=False,
        name="sections",
    ),
]
