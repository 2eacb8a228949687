"""What converters compute with: runtime tensors, constants and Python numbers alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch

from .._trt import trt
from ..dtypes import to_torch
from ..network.context import is_runtime as is_runtime

#: a runtime tensor or a constant
Tensor: TypeAlias = "trt.ITensor | torch.Tensor"
#: a runtime tensor, a constant, or a Python number
Value: TypeAlias = "trt.ITensor | torch.Tensor | float"
#: a size or an index: an ``int``, or a 0-d int64 runtime tensor
Size: TypeAlias = "int | trt.ITensor"

#: TensorRT calculates with neither
_COMPUTE_DTYPES = {torch.bool: torch.int32, torch.uint8: torch.int32}


def dtype_of(value: Value) -> torch.dtype:
    """PyTorch's dtype of a runtime tensor, a constant or a Python number."""
    if is_runtime(value):
        return to_torch(value.dtype)
    return value.dtype if isinstance(value, torch.Tensor) else torch.tensor(value).dtype


def ndim_of(value: Value) -> int:
    """The rank of a runtime tensor or a constant; 0 for a number."""
    return len(value.shape) if is_runtime(value) or isinstance(value, torch.Tensor) else 0


def result_type(*values: Value) -> torch.dtype:
    """The dtype that PyTorch computes an operation of ``values`` in (``torch.result_type``)."""
    # meta tensors of the same rank: zero-dimensional ones and numbers do not raise the dtype within a category
    stand_ins: list[Any] = [
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


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    """``dtype``, or the one that stands in for it in calculations: TensorRT has none for bool and uint8."""
    return _COMPUTE_DTYPES.get(dtype, dtype)


def opmath(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which a formula of several steps is computed, as PyTorch does: float32 for the 16-bit ones."""
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def ints(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """``count`` ints from an int or a sequence of one or ``count``, as PyTorch's ``int[2]`` arguments mean it."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values


def upper_bound(size: int | torch.SymInt) -> int | None:
    """The largest value of a size of a FakeTensor; None where nothing bounds it."""
    if isinstance(size, int):
        return size
    environment = size.node.shape_env
    assert environment is not None
    upper = environment.bound_sympy(size.node.expr).upper
    return int(upper) if upper.is_Integer else None
