"""How far two tensors are apart, and how far they may be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import torch

#: what rounding explains, relative to the largest value, after many calls; networks compute float64 in float32
_TOLERANCES: Final = {torch.float64: 1e-4, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 8e-2}
#: engines multiply float32 matrices in TF32, of which ten bits of mantissa are left
_TF32: Final = 5e-3


def error(actual: Any, expected: Any) -> float:
    """The largest error of ``actual``, relative to the largest value of ``expected``.

    Of integers and bools it is the fraction that differs.  Another shape, and NaN or infinity where PyTorch has other
    values, is an infinite error.
    """
    expected = torch.as_tensor(expected)
    actual = torch.as_tensor(actual).to(expected.device)
    if actual.shape != expected.shape:
        return math.inf
    if expected.numel() == 0:
        return 0.0
    if not (expected.is_floating_point() and actual.is_floating_point()):
        return float((actual != expected).double().mean())
    actual, expected = actual.double(), expected.double()
    finite = expected.isfinite()
    same = (actual == expected) | (actual.isnan() & expected.isnan())
    if bool((~same & ~(finite & actual.isfinite())).any()):
        return math.inf
    if not bool(finite.any()):
        return 0.0
    largest = float(expected[finite].abs().max())
    difference = float((actual[finite] - expected[finite]).abs().max())
    return difference / largest if largest else difference


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Which errors rounding explains.

    Args:
        runtime: what runs the module: engines round more.
        given: the user's own tolerance of floating-point values.
    """

    runtime: str
    given: float | None = None

    def of(self, *values: Any) -> float:
        """The tolerance of what is computed with these values; 0 where none of them is a floating-point tensor."""
        return max(map(self._of_dtype, _dtypes(values)), default=0.0)

    def _of_dtype(self, dtype: torch.dtype) -> float:
        if self.given is not None:
            return self.given
        tolerance = _TOLERANCES.get(dtype, 0.0)
        return max(tolerance, _TF32) if self.runtime == "engine" else tolerance


def _dtypes(values: Iterable[Any]) -> set[torch.dtype]:
    return {v.dtype for v in values if isinstance(v, torch.Tensor) and v.dtype.is_floating_point}
