"""Padding."""

import torch
import torch.nn.functional as F
from torch2trt.testing import Case, f32, i64

N, ALL = {0: "n"}, {0: "n", 2: "h", 3: "w"}
BF = (torch.float32, torch.float16, torch.bfloat16)
X1, X2, X3 = f32(4, 3, 5), f32(4, 3, 5, 6), f32(4, 2, 4, 5, 4)


def pad(amounts, mode):
    """``F.pad`` in this mode."""
    return lambda x: F.pad(x, amounts, mode)


def mirrored(name, mode):
    """The rows of one mode in one to three dimensions."""
    targets = [f"aten.{name}{count}d.default" for count in (1, 2, 3)]
    return [
        Case(targets[0], pad((1, 2), mode), [X1], dynamic={0: "n", 2: "l"}, dynamic_min=4),
        Case(targets[0], pad((2, 0), mode), [f32(3, 5)], name="unbatched"),
        Case(targets[0], pad((2, 1), mode), [i64(2, 3, 5)], dynamic=N, name="int64"),
        Case(targets[1], pad((1, 2, 3, 0), mode), [X2], dynamic=ALL, dynamic_min=4, dtypes=BF),
        Case(targets[1], pad((1, 1, 1, 1), mode), [f32(3, 5, 6)], dynamic={1: "h"}, dynamic_min=3, name="unbatched"),
        Case(targets[1], pad((-1, 2, 1, -2), mode), [X2], dynamic=N, name="negative"),
        Case(targets[2], pad((1, 2, 3, 0, 1, 1), mode), [X3], dynamic={0: "n", 3: "h"}, dynamic_min=4),
    ]


CASES = [
    *mirrored("reflection_pad", "reflect"),
    *mirrored("replication_pad", "replicate"),
    Case("aten._pad_circular.default", pad((1, 2, 3, 0), "circular"), [X2], dynamic=ALL, dynamic_min=4),
    Case("aten._pad_circular.default", pad((2, 1), "circular"), [X1], dynamic=N, name="1d"),
    Case("aten._pad_circular.default", pad((1, 1, 2, 0, 1, 2), "circular"), [X3], dynamic=N, name="3d"),
    Case("aten._pad_circular.default", pad((5, 5), "circular"), [i64(2, 3, 5)], name="whole-turn"),
    Case("aten.pad.default", torch.nn.ZeroPad2d(1), [X2], dynamic=ALL, whole=False),
    Case("aten.pad.default", torch.nn.ReflectionPad2d(2), [X2], dynamic=N, whole=False, name="reflect"),
]
