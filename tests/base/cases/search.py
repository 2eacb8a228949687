"""Searching."""

import torch
from torch2trt.testing import Case, f32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
SORTED = torch.tensor([-1.5, -0.5, 0.0, 0.0, 1.0])


def search(name, call, *inputs, dynamic=None, target="searchsorted.Tensor", **more):
    return Case(f"aten.{target}", call, inputs, dynamic=dynamic, name=name, **more)


CASES = [
    search("left", lambda x: torch.searchsorted(SORTED.to(x.dtype), x), f32(2, 4), dynamic=NM, dtypes=ALL),
    search("right", lambda x: torch.searchsorted(SORTED, x, right=True), SORTED),
    search("ties", lambda x: torch.searchsorted(SORTED, x), SORTED, dynamic=N),
    search(
        "side", lambda x: torch.searchsorted(SORTED.to(x.dtype), x, side="right", out_int32=True), f32(4), dynamic=N
    ),
    search(
        "rows",
        lambda x, y: torch.searchsorted(x, y),
        torch.tensor([[1, 3, 5], [2, 2, 4]]),
        i64(2, 4),
        dynamic=[None, {1: "m"}],
    ),
    search(
        "sorter",
        lambda x, y: torch.searchsorted(x, y, sorter=torch.tensor([2, 0, 1])),
        torch.tensor([2.0, 3.0, 1.0]),
        f32(4),
    ),
    search("nan", lambda x: torch.searchsorted(SORTED, x), torch.tensor([float("nan"), 0.0, float("inf")])),
    search(
        "number", lambda x: torch.searchsorted(x, 3), torch.tensor([1, 3, 5]), dynamic=N, target="searchsorted.Scalar"
    ),
    search(
        "number_right",
        lambda x: torch.searchsorted(x, 3, right=True),
        torch.tensor([1, 3, 5]),
        target="searchsorted.Scalar",
    ),
    search("left", lambda x: torch.bucketize(x, SORTED.to(x.dtype)), f32(2, 4), dynamic=NM, target="bucketize.Tensor"),
    search(
        "int",
        lambda x: torch.bucketize(x, torch.tensor([-2, 0, 3]), right=True),
        i64(2, 4),
        dynamic=N,
        target="bucketize.Tensor",
    ),
    search(
        "number", lambda x: torch.bucketize(2, x, out_int32=True), torch.tensor([1, 3, 5]), target="bucketize.Scalar"
    ),
    search(
        "repeats",
        lambda x, r: torch.repeat_interleave(x, r, 0, output_size=6),
        f32(3, 2),
        torch.tensor([1, 3, 2]),
        target="repeat_interleave.Tensor",
    ),
    search(
        "no_size",
        lambda x, r: torch.repeat_interleave(x, r, 0),
        f32(3, 2),
        torch.tensor([1, 3, 2]),
        target="repeat_interleave.Tensor",
        rejects="output_size",
    ),
]
