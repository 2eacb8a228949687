"""Arguments that PyTorch takes as one int or as a list."""

from __future__ import annotations

from collections.abc import Sequence


def ints(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """``count`` ints from an int or a sequence of one or ``count``."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values
