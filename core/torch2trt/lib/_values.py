"""Looking at values: runtime tensors, constants and Python numbers alike."""

from __future__ import annotations

from typing import Any

import torch

from ..dtypes import to_torch
from ..network.context import is_runtime


def dtype_of(value: Any) -> torch.dtype:
    """PyTorch's dtype of a runtime tensor, a constant or a Python number."""
    if is_runtime(value):
        return to_torch(value.dtype)
    return value.dtype if isinstance(value, torch.Tensor) else torch.tensor(value).dtype


def ndim_of(value: Any) -> int:
    """The rank of a runtime tensor or a constant; 0 for a number."""
    return len(value.shape) if is_runtime(value) or isinstance(value, torch.Tensor) else 0


def opmath(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which a formula of several steps is computed, as PyTorch does: float32 for the 16-bit ones."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def promoted(*values: Any) -> torch.dtype:
    """The dtype that PyTorch computes an operation of ``values`` in."""
    # meta tensors of the same rank: zero-dimensional ones and numbers do not raise the dtype within a category
    stand_ins = [
        torch.empty((1,) * ndim_of(value), dtype=dtype_of(value), device="meta")
        if is_runtime(value) or isinstance(value, torch.Tensor)
        else value
        for value in values
    ]
    result = stand_ins[0]
    for other in stand_ins[1:]:
        result = torch.empty(
            (1,) * max(ndim_of(result), ndim_of(other)), dtype=torch.result_type(result, other), device="meta"
        )
    return dtype_of(result)
