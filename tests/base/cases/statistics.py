"""Variances and standard deviations."""

import torch
from torch2trt.testing import Case, f32

from .reduce import NW, dims

N = {0: "n"}

CASES = [
    *dims("var", "aten.var.correction"),
    *dims("std", whole=False),
    Case("aten.var.correction", torch.var, [f32(2, 4)], dynamic=N),
    Case("aten.var.correction", lambda x: x.var(1, correction=0), [f32(2, 4)], dynamic=N, name="biased"),
    Case("aten.var.correction", lambda x: x.var((0, 2), correction=0.5), [f32(2, 3, 4)], dynamic=NW, name="half"),
    Case(
        "aten.var.correction", lambda x: x.var(1, unbiased=True), [100 + torch.rand(2, 8)], name="large mean", rtol=1e-3
    ),
    Case("aten.var.dim", lambda x: x.var(1, False), [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.var_mean.correction", torch.var_mean, [f32(2, 4)], dynamic=N),
    Case("aten.var_mean.correction", lambda x: torch.var_mean(x, 1, keepdim=True), [f32(2, 4)], dynamic=N, name="keep"),
    Case(
        "aten.var_mean.correction", lambda x: torch.var_mean(x, (1, 2), correction=0), [f32(2, 3, 4)], NW, name="dims"
    ),
    Case("aten.std_mean.correction", lambda x: torch.std_mean(x, 1), [f32(2, 4)], dynamic=N, whole=False),
]
