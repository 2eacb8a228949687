"""New tensors."""

import torch
from torch2trt.testing import Case, b8, f32, i64

N = {0: "n"}
NM = {0: "n", 1: "m"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
MATRIX = (f32(3, 4),)


def new(target, name, call, inputs=MATRIX, dynamic=NM, **more):
    """A tensor whose size is dynamic; one of a static size is a constant."""
    return Case(f"aten.{target}", call, inputs, dynamic=dynamic, name=name, static=False, **more)


CASES = [
    Case(
        "aten.full_like.default", lambda x: torch.full_like(x, 2), [f32(2, 4)], dynamic=N, dtypes=ALL, name="full_like"
    ),
    Case("aten.full_like.default", lambda x: torch.full_like(x, 2.5, dtype=torch.float16), [i64(2, 4)], name="dtype"),
    Case("aten.full_like.default", torch.zeros_like, [b8(2, 4)], name="zeros_like"),
    Case("aten.full_like.default", lambda x: torch.ones_like(x), [i64(2, 4)], dynamic=N, name="ones_like"),
    Case("aten.full_like.default", lambda x: torch.fill(x, 3), [f32(2, 4)], dynamic=N, name="fill"),
    Case("aten.full_like.default", lambda x: x.clone().zero_(), [f32(2, 4)], dynamic=N, name="zero_"),
    Case("aten.fill.Scalar", lambda x: torch.fill(x, 2) + x, [f32(2, 4)], dynamic=N, whole=False),
    Case("aten.fill.Tensor", lambda x, y: torch.fill(x, y), [f32(2, 4), f32()], dynamic=[N, None], whole=False),
    new("full.default", "full", lambda x: torch.full((x.shape[0], 3), 2.5)),
    new("full.default", "int", lambda x: torch.full((x.shape[0],), 7)),
    new("full.default", "bool", lambda x: torch.full((2, x.shape[1]), True)),
    new("full.default", "zeros", lambda x: torch.zeros(x.shape)),
    new("full.default", "ones", lambda x: torch.ones(x.shape[0], x.shape[1], dtype=torch.int32)),
    new("full.default", "new_zeros", lambda x: x.new_zeros(x.shape)),
    new("full.default", "new_full", lambda x: x.new_full((x.shape[0], 2), 3)),
    new("full.default", "new_ones", lambda x: x.new_ones(x.shape[1])),
    new("full.default", "of_size", lambda x: torch.full((3,), x.shape[0])),
    new("empty.memory_format", "empty", lambda x: torch.empty(x.shape[0], 2).fill_(1)),
    new("empty.memory_format", "new_empty", lambda x: x.new_empty(x.shape[0]).zero_()),
    new("empty_permuted.default", "empty_like", lambda x: torch.empty_like(x).fill_(3)),
    new("empty_strided.default", "empty_strided", lambda x: torch.empty_strided((x.shape[0], 2), (2, 1)).fill_(3)),
    new("scalar_tensor.default", "size", lambda x: x + torch.scalar_tensor(x.shape[0])),
    new("scalar_tensor.default", "int", lambda x: torch.scalar_tensor(x.shape[0], dtype=torch.int64)),
    new("arange.start_step", "end", lambda x: torch.arange(x.shape[0])),
    new("arange.start_step", "start", lambda x: torch.arange(2, x.shape[0] + 2)),
    new("arange.start_step", "size_start", lambda x: torch.arange(x.shape[0], 20)),
    new("arange.start_step", "step", lambda x: torch.arange(0, x.shape[0] * 5, 3)),
    new("arange.start_step", "down", lambda x: torch.arange(x.shape[0], -3, -2)),
    new("arange.start_step", "int32", lambda x: torch.arange(x.shape[1], dtype=torch.int32)),
    new("arange.start_step", "as_float", lambda x: torch.arange(x.shape[1], dtype=torch.float32)),
    new("arange.start_step", "as_half", lambda x: torch.arange(x.shape[1], dtype=torch.float16)),
    new("arange.start_step", "float", lambda x: torch.arange(0.5, x.shape[0])),
    new("arange.start_step", "fraction", lambda x: torch.arange(0, x.shape[0], 0.25)),
    new("arange.start_step", "positions", lambda x: torch.arange(x.shape[0]).unsqueeze(1) * x.shape[1]),
    new("eye.default", "eye", lambda x: torch.eye(x.shape[0]), whole=False),
    new("eye.m", "eye_m", lambda x: torch.eye(x.shape[0], x.shape[1], dtype=torch.int64), whole=False),
    Case("aten.linspace.default", lambda x: x * torch.linspace(0, 1, 4), [f32(3, 4)], dynamic=N, whole=False),
    Case("aten.tril.default", torch.tril, [f32(3, 4)], dynamic=NM, whole=False),
    Case("aten.tril.default", lambda x: x.tril(-1), [i64(2, 3, 4)], dynamic=NM, whole=False, name="below"),
    Case("aten.triu.default", lambda x: x.triu(1), [f32(3, 4)], dynamic=NM, whole=False),
    Case(
        "aten.triu.default",
        lambda x: torch.ones(x.shape[0], x.shape[0]).triu(1),
        [f32(3)],
        dynamic=N,
        name="causal",
        whole=False,
    ),
]
