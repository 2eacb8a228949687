"""What the capture knows of a dynamic size."""

from __future__ import annotations

import torch


def bounds(size: int | torch.SymInt) -> tuple[int, int | None]:
    """The smallest and the largest value of a size of a FakeTensor; None where nothing bounds it above."""
    if isinstance(size, int):
        return size, size
    environment = size.node.shape_env
    assert environment is not None
    limits = environment.bound_sympy(size.node.expr)
    upper = limits.upper
    return int(limits.lower), int(upper) if upper.is_number and upper.is_finite else None
