"""Polynomials for functions that TensorRT has no layer for, through PyTorch's own values in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch2trt import Context, lib, trt

Function = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A polynomial between ``low`` and ``high``; its variable is -1 at one end and 1 at the other.

    It goes through the function's values at Chebyshev's nodes, and so is off by about as much everywhere.
    """

    function: Function
    low: float
    high: float
    degree: int

    def __call__(self, ctx: Context, x: trt.ITensor) -> trt.ITensor:
        """Its value; outside of the interval it means nothing."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        variable = lib.mul(ctx, lib.sub(ctx, x, middle), 1 / half)
        return horner(ctx, variable, self._coefficients(middle, half))

    def _coefficients(self, middle: float, half: float) -> list[float]:
        count = self.degree + 1
        nodes = torch.cos((torch.arange(count, dtype=torch.float64) + 0.5) * (math.pi / count))
        values = self.function(nodes * half + middle)
        coefficients: list[float] = torch.linalg.solve(torch.linalg.vander(nodes), values).tolist()
        return coefficients


def horner(ctx: Context, x: trt.ITensor, coefficients: list[float]) -> trt.ITensor:
    """``coefficients[0] + coefficients[1] * x + …``, of two or more."""
    *lower, highest = coefficients
    result = lib.mul(ctx, x, highest)
    for coefficient in lower[:0:-1]:
        result = lib.mul(ctx, lib.add(ctx, result, coefficient), x)
    return lib.add(ctx, result, lower[0])
