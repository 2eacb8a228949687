"""Products of int8 matrices: exact."""

import torch
from torch2trt.testing import Case, i32

N = {0: "n"}


def product(call, *inputs, dynamic=None, name="plain", **more):
    return Case("aten._int_mm.default", call, inputs, dynamic=dynamic, name=name, **more)


def small(*shape):
    return i32(*shape, low=-128, high=128)


def int_mm(x, y):
    return torch._int_mm(x.to(torch.int8), y.to(torch.int8))


class Weights(torch.nn.Module):
    """A product with a constant."""

    def __init__(self, *shape):
        super().__init__()
        self.register_buffer("weight", small(*shape).make().to(torch.int8))

    def forward(self, x):
        return torch._int_mm(x.to(torch.int8), self.weight)


CASES = [
    product(int_mm, small(24, 16), small(16, 8), dynamic=N),
    product(int_mm, small(24, 2056), small(2056, 8), name="more products than float32 adds up exactly"),
    product(
        lambda x: int_mm(torch.full_like(x, -128), torch.full((2048, 8), -128)),
        i32(24, 2048),
        name="the largest sums",
    ),
    product(Weights(16, 8), small(24, 16), dynamic=N, name="constant"),
    product(Weights(2056, 8), small(24, 2056), name="constant of two parts"),
]
