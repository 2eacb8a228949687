"""Choosing and writing by masks."""

import torch
from torch2trt.testing import b8, f32, i64

from .indexing import at

N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)

CASES = [
    at(
        "masked_scatter.default",
        "plain",
        lambda x, m, s: x.masked_scatter(m, s),
        f32(3, 4),
        b8(3, 4),
        f32(12),
        dynamic=[N, N, None],
        dtypes=ALL,
    ),
    at(
        "masked_scatter.default",
        "broadcast",
        lambda x, m, s: x.masked_scatter(m, s),
        i64(3, 4),
        b8(4),
        i64(4, 4),
        dynamic=[{1: "m"}, {0: "m"}, {1: "m"}],
    ),
    at(
        "masked_scatter.default",
        "broadcast_self",
        lambda x, m, s: x.masked_scatter(m, s),
        *(f32(4), b8(3, 4), f32(12)),
        dynamic=[None, N, None],
    ),
    at("masked_scatter.default", "scalar", lambda x, m, s: x.masked_scatter(m, s), f32(), b8(), f32(2)),
    at("masked_scatter.default", "empty", lambda x, m, s: x.masked_scatter(m, s), f32(0, 4), b8(0, 4), f32(2)),
    at("masked_scatter.default", "none", lambda x, s: x.masked_scatter(x > 9, s), f32(3, 4), f32(0)),
    at(
        "nonzero_static.default",
        "plain",
        lambda x: torch.nonzero_static(x, size=20),
        i64(3, 4, low=0, high=2),
        dynamic=NM,
    ),
    at("nonzero_static.default", "short", lambda x: torch.nonzero_static(x, size=2, fill_value=7), b8(3, 4), dynamic=N),
    at("nonzero_static.default", "float", lambda x: torch.nonzero_static(x.relu(), size=6), f32(5), dynamic=N),
    at("masked_select.default", "constant", lambda x: x.masked_select(torch.tensor([True, False, True])), f32(4, 3)),
    at(
        "masked_select.default",
        "constant_broadcast",
        lambda x: x.masked_select(torch.tensor([[True, False], [False, True]]).unsqueeze(1)) + 1,
        i64(3, 2),
    ),
    at(
        "masked_select.default",
        "constant_dynamic",
        lambda x: x.masked_select(torch.tensor([True, False, True])),
        f32(4, 3),
        dynamic=N,
        rejects="dynamic sizes",
        static=False,
    ),
    at("nonzero.default", "data", torch.nonzero, i64(3, 4), rejects="depends on data"),
    at("nonzero.default", "rtx", torch.nonzero, i64(3, 4), rejects="needs tensorrt"),
    at("masked_select.default", "rtx", torch.masked_select, f32(3, 4), b8(4), rejects="needs tensorrt"),
]
