"""The checks of the usual call, tensors by position, compiled to as few steps as they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .guards import Guard, compiled_all
from .leaves import TensorSpec
from .profiles import first_holding, in_profiles

#: the engine's inputs by name for fitting positional arguments, None for others, whose fault is then searched for
Straight = Callable[[Sequence[Any]], "dict[str, torch.Tensor] | None"]


def straight_path(specs: Sequence[TensorSpec], guards: Sequence[Guard]) -> Straight:
    """The checks of calls with one tensor for each of ``specs``, in this order."""
    names = tuple(spec.name for spec in specs)
    checks = tuple(fitting(getattr(torch, spec.dtype), spec.ranges) for spec in specs)
    profiles = in_profiles(specs)
    profile = first_holding([[spec.ranges for spec in given] for given in profiles]) if len(profiles) > 1 else None
    checked = [guard.condition for guard in guards if guard.checked]
    hold = compiled_all(checked, names) if checked else None

    def straight(args: Sequence[Any]) -> dict[str, torch.Tensor] | None:
        if len(args) != len(names):
            return None
        for fits, value in zip(checks, args, strict=True):
            if not fits(value):
                return None
        device = args[0].device
        for value in args[1:]:
            if value.device != device:
                return None
        if hold is not None and not hold([value.shape for value in args]):
            return None
        if profile is not None and profile([value.shape for value in args]) is None:
            return None
        return dict(zip(names, args, strict=True))

    return straight


def fitting(dtype: torch.dtype, ranges: Sequence[tuple[int, int, int]]) -> Callable[[Any], bool]:
    """Whether a value is a tensor with this dtype and sizes in these ranges."""
    fixed = torch.Size([low for low, _, _ in ranges])
    varying = tuple((index, low, high) for index, (low, _, high) in enumerate(ranges) if low != high)
    if not varying:
        return lambda value: (
            isinstance(value, torch.Tensor)
            and value.dtype is dtype
            and value.shape == fixed
            and value.layout is torch.strided
        )
    same = tuple((index, low) for index, (low, _, high) in enumerate(ranges) if low == high)

    def fits(value: Any) -> bool:
        if not isinstance(value, torch.Tensor) or value.dtype is not dtype or value.layout is not torch.strided:
            return False
        shape = value.shape
        if len(shape) != len(ranges):
            return False
        for index, low, high in varying:
            if not low <= shape[index] <= high:
                return False
        return all(shape[index] == size for index, size in same)

    return fits
