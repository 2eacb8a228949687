"""Quantiles."""

import torch
from torch2trt.testing import Case, f32

from ._matrices import F32
from ._special import SPECIAL
from .medians import SOME
from .sort import MANY, NW, N

WAYS = ("linear", "lower", "higher", "nearest", "midpoint")
Q = torch.tensor([0.0, 0.3, 0.25, 0.5, 0.99, 1.0])


class Several(torch.nn.Module):
    """Quantiles that are a buffer."""

    def __init__(self, call, *args, **kwargs):
        super().__init__()
        self.register_buffer("q", Q)
        self.call, self.args, self.kwargs = call, args, kwargs

    def forward(self, x):
        return self.call(x, self.q, *self.args, **self.kwargs)


def rows(name):
    call, target = getattr(torch, name), f"aten.{name}"
    for way in WAYS:
        yield Case(f"{target}.default", Several(call, 1, interpolation=way), [f32(3, 11)], NW, F32, name=way)
        for label, values in (("special", SPECIAL), ("some", SOME), ("even", SOME[:, :4])):
            yield Case(f"{target}.default", Several(call, 1, interpolation=way), [values], name=f"{label} {way}")
    half = f"{target}.scalar"
    yield Case(half, lambda x: call(x, 0.3), [f32(2, 5)], NW, F32)
    yield Case(half, lambda x: call(x, 0.3, 0, True), [f32(5, 2, 3)], {0: "n", 2: "w"}, F32, name="keep")
    yield Case(half, lambda x: call(x, 0.3, None, True), [f32(5, 2)], NW, F32, name="keep all")
    yield Case(half, lambda x: call(x, 0.3), [f32()], dtypes=F32, name="scalar")
    yield Case(half, lambda x: call(x, 0.3), [f32(123_000)], dtypes=F32, rejects=MANY, name="large")
    yield Case(f"{target}.default", Several(call, 0, True), [f32(5, 2, 3)], N, F32, name="keep several")
    yield Case(f"{target}.default", Several(call), [f32(5, 2)], N, F32, name="all")
    yield Case(
        f"{target}.default", lambda x: call(x, torch.tensor([0.1, 0.7]), -2), [f32(5, 2)], N, F32, name="written"
    )
    yield Case(f"{target}.default", call, [f32(5), f32(2, low=0, high=1)], dtypes=F32, rejects="constant", name="input")


CASES = [*rows("quantile"), *rows("nanquantile")]
