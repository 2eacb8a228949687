"""Rows of histograms."""

import torch
from torch2trt.testing import Case, f32

HISTC = "aten.histc.default"
N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
NAN, INF = torch.nan, torch.inf


def histc(name, inputs, *args, dynamic=N, **more):
    return Case(HISTC, lambda x: torch.histc(x, *args), inputs, dynamic=dynamic, name=name, **more)


CASES = [
    histc("range", [f32(40)], 5, -1.5, 1.0, dtypes=ALL),
    histc("matrix", [f32(6, 7)], 8, -2, 2, dynamic=NM),
    histc("default", [f32(4, 7)], dynamic=NM),
    histc("all", [f32(40)], 6, dtypes=ALL),
    histc("edges", [torch.arange(-20, 21) / 10], 7, -1.1, 1.7),
    histc("edges of integers", [torch.arange(12.0)], 4, 1, 9),
    histc("special", [torch.tensor([NAN, INF, -INF, 0.0, -0.0, 1.0, 2.0])], 4, 0, 2),
    histc("equal", [torch.full((3,), 2.5)], 4),
    histc("one point", [f32(5)], 3, 1.0, 1.0),
    histc("one bin", [f32(5)], 1, -1.0, 1.0),
    histc("scalar", [f32()], 3, dynamic=None),
    histc("empty", [f32(0)], 3, dynamic=None),
]
