"""Arguments as PyTorch gives them: one int or a list, sizes with bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def ints(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """``count`` ints from an int or a sequence of one or ``count``."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values


def upper_bound(size: Any) -> int | None:
    """The largest value of a size of a FakeTensor; None where nothing bounds it."""
    if isinstance(size, int):
        return size
    upper = size.node.shape_env.bound_sympy(size.node.expr).upper
    return int(upper) if upper.is_number and upper.is_finite else None
