"""Concatenation, and writing into slices."""

import torch
from torch2trt.testing import Case, b8, f32, i32, i64

N = {0: "n"}
M = {1: "m"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
PAIR = (f32(2, 4), f32(2, 3))


def cat(name, call, inputs=PAIR, dynamic=(N, N), **more):
    return Case("aten.cat.default", call, inputs, dynamic=dynamic, name=name, **more)


def assigned(place):
    """A model that writes into a slice, which comes out functional."""

    def call(x, y):
        x = x.clone()
        x[place] = y
        return x

    return call


def selected(name, call, index=(), dynamic=(N, N)):
    """Rows of the second dimension, whose source has one dimension less."""
    inputs = [f32(2, 4, 3), f32(2, 3), *index]
    return Case("aten.select_scatter.default", call, inputs, dynamic=[*dynamic, *[None] * len(index)], name=name)


def at(x, y, index):
    return torch.select_scatter(x, y, 1, index.item())


CASES = [
    cat("columns", lambda x, y: torch.cat((x, y), 1), dtypes=ALL),
    cat("negative", lambda x, y: torch.cat((x, y), -1)),
    cat("rows", lambda x, y: torch.cat((x, y)), [f32(2, 4), f32(3, 4)], [{0: "n"}, {0: "k"}]),
    cat("promoted", lambda x, y: torch.cat((x, y), 1), [f32(2, 4), i64(2, 3)]),
    cat("int32_int64", lambda x, y: torch.cat((x, y), 1), [i32(2, 4), i64(2, 3)]),
    cat("bool", lambda x, y: torch.cat((x, y), 1), [b8(2, 4), b8(2, 3)]),
    cat("bool_int", lambda x, y: torch.cat((x, y), 1), [b8(2, 4), i64(2, 3)]),
    cat("legacy_empty", lambda x, y: torch.cat((torch.zeros(0), x, y), 1)),
    cat("constant", lambda x: torch.cat((x, torch.ones(2, 4))), [f32(2, 4)], N),
    cat("one", lambda x: torch.cat((x,)), [f32(2, 4)], N),
    cat("stack", lambda x, y: torch.stack((x, y), 1), [f32(2, 4), f32(2, 4)]),
    cat("stack_last", lambda x, y: torch.stack((x, y), -1), [i64(2, 4), i64(2, 4)]),
    cat("hstack", lambda x, y: torch.hstack((x, y))),
    cat("vstack", lambda x, y: torch.vstack((x, y)), [f32(4), f32(4)], None),
    cat("dstack", lambda x, y: torch.dstack((x, y)), [f32(2, 4), f32(2, 4)]),
    cat("block_diag", lambda x, y: torch.block_diag(x, y)),
    selected("plain", lambda x, y: torch.select_scatter(x, y, 1, 2)),
    selected("from_end", lambda x, y: torch.select_scatter(x, y, -2, -1), dynamic=({0: "n", 1: "m"}, N)),
    selected("read", at, [torch.tensor(3)]),
    selected("read_from_end", at, [torch.tensor(-4)]),
    Case(
        "aten.slice_scatter.default",
        lambda x, y: torch.slice_scatter(x, y, 1, 1, 3),
        [f32(2, 4), f32(2, 2)],
        dynamic=[N, N],
        name="plain",
    ),
    Case(
        "aten.slice_scatter.default",
        lambda x, y: torch.slice_scatter(x, y, 1, 1, -1, 2),
        [f32(2, 6), f32(2, 2)],
        dynamic=[N, N],
        name="step",
    ),
    Case(
        "aten.slice_scatter.default",
        lambda x: torch.slice_scatter(x, x[:, ::2] + 1, 1, 0, None, 2),
        [f32(3, 6)],
        dynamic=NM,
        dynamic_min=3,
        name="dynamic_step",
    ),
    Case(
        "aten.slice_scatter.default",
        assigned((slice(None), slice(1, 3))),
        [f32(2, 4), f32(2, 2)],
        dynamic=[N, N],
        name="assigned",
    ),
    Case(
        "aten.slice_scatter.default",
        assigned((slice(1, None), slice(-2, None))),
        [i64(3, 4), i64(2)],
        dynamic=[NM, None],
        dynamic_min=3,
        name="assigned_int",
    ),
    Case(
        "aten.slice_scatter.default", assigned(slice(0, 1)), [b8(3, 4), b8(4)], dynamic=[N, None], name="assigned_bool"
    ),
    Case(
        "aten.select_scatter.default",
        lambda x, y: torch.select_scatter(x, y, 1, 2),
        [f32(2, 4), f32(2)],
        dynamic=[N, N],
        whole=False,
    ),
    Case(
        "aten.diagonal_scatter.default",
        lambda x, y: torch.diagonal_scatter(x, y),
        [f32(3, 4), f32(3)],
        dynamic=[M, None],
        dynamic_min=3,
        name="plain",
    ),
    Case(
        "aten.diagonal_scatter.default",
        lambda x, y: torch.diagonal_scatter(x, y, -1, 0, 2),
        [f32(3, 2, 4), f32(2, 2)],
        dynamic=[M, {0: "m"}],
        name="below",
    ),
    Case(
        "aten.diagonal_scatter.default", lambda x, y: torch.diagonal_scatter(x, y, 1), [i64(3, 4), i64(3)], name="int"
    ),
]
