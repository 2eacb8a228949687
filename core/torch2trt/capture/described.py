"""Inputs that are described rather than given, with dynamic sizes and optimization profiles."""

from __future__ import annotations

import builtins
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from ..errors import InputError
from ..program.profiles import hull
from .dims import Asked
from .given import sizes_of

Shape = Sequence[int]
#: the smallest, the most frequent and the largest shape
Profile = tuple[Shape, Shape, Shape]
#: of a tensor that is made only to trace with
_MOST_ELEMENTS: Final = 2**28


@dataclass(frozen=True)
class Input:
    """An input described rather than given: ``Input((1, 3, 224, 224))`` or ``Input(min=..., opt=..., max=...)``.

    Args:
        shape: the shape, where it is static.
        min, opt, max: the smallest, the most frequent and the largest shape; sizes that differ are dynamic.
        dtype: the dtype of the tensor.
        profiles: in place of a shape, several ``(min, opt, max)``, for each of which the engine is optimized: a call
            takes the first that holds the sizes of all inputs.  Every input with profiles has as many.
    """

    shape: Shape | None = None
    min: Shape | None = None
    opt: Shape | None = None
    max: Shape | None = None
    dtype: torch.dtype = field(default=torch.float32)
    profiles: Sequence[Profile] | None = None

    def __post_init__(self) -> None:
        """Bring the spellings to one, min <= opt <= max, which has all profiles in it."""
        if self.profiles is not None:
            if any(given is not None for given in (self.shape, self.min, self.opt, self.max)):
                raise InputError("Input takes either a shape, or min and max, or profiles, which have their own")
            profiles = _profiles(self.profiles)
            ranges = hull([tuple(zip(*profile, strict=True)) for profile in profiles])
            object.__setattr__(self, "profiles", profiles)
            for place, name in enumerate(("min", "opt", "max")):
                object.__setattr__(self, name, tuple(sizes[place] for sizes in ranges))
        elif (self.shape is None) == (self.min is None or self.max is None):
            raise InputError("Input takes either shape, or min and max (and opt, which is max by default)")
        if not isinstance(self.dtype, torch.dtype):
            raise InputError(f"Input needs a torch.dtype, got dtype={self.dtype!r}")
        low = sizes_of("min", self.min) if self.shape is None else sizes_of("shape", self.shape)
        high = sizes_of("max", self.max) if self.shape is None else low
        best = high if self.opt is None else sizes_of("opt", self.opt)
        if not len(low) == len(best) == len(high) or any(
            not a <= b <= c for a, b, c in zip(low, best, high, strict=True)
        ):
            raise InputError(f"Input needs min <= opt <= max in every dimension, got min={low}, opt={best}, max={high}")
        for name, value in (("min", low), ("opt", best), ("max", high)):
            object.__setattr__(self, name, value)

    @property
    def ranges(self) -> tuple[tuple[int, int, int], ...]:
        """``(min, opt, max)`` of each dimension."""
        return tuple(zip(self.min or (), self.opt or (), self.max or (), strict=True))

    @property
    def dynamic(self) -> bool:
        """Whether any dimension is dynamic."""
        return any(low != high for low, _, high in self.ranges)

    def example(self, device: torch.device, largest: int | None = None) -> torch.Tensor:
        """A tensor to trace with: the optimal shape, but no dynamic size of 1, which PyTorch takes for a constant.

        Dynamic sizes are at most ``largest``, where they may be.
        """
        return torch.zeros(self._traced(largest), dtype=self.dtype, device=device)

    def fits(self, largest: int) -> bool:
        """Whether the tensor to trace with has a memory that one may take for it."""
        return math.prod(self._traced(largest)) <= _MOST_ELEMENTS

    def _traced(self, largest: int | None) -> list[int]:
        shape = []
        for low, best, high in self.ranges:
            size = best if largest is None else builtins.min(best, largest)
            shape.append(best if low == high else builtins.min(builtins.max(size, low, 2), high))
        return shape

    @property
    def asked(self) -> dict[int, Asked]:
        """The dynamic dimensions."""
        return {i: Asked(*sizes) for i, sizes in enumerate(self.ranges) if sizes[0] != sizes[2]}

    def asked_in(self, index: int) -> dict[int, Asked]:
        """The same dimensions with what one profile asks of them."""
        if self.profiles is None:
            return self.asked
        sizes = tuple(zip(*self.profiles[index], strict=True))
        return {i: Asked(*sizes[i]) for i in self.asked}


def _profiles(given: Any) -> tuple[Profile, ...]:
    """The ``profiles`` of an :class:`Input`, checked."""
    if not isinstance(given, Sequence) or not given or isinstance(given, str):
        raise InputError(f"Input needs profiles as a sequence of (min, opt, max), got {given!r}")
    profiles = []
    for one in given:
        if not isinstance(one, Sequence) or len(one) != 3:
            raise InputError(f"Input needs three shapes, (min, opt, max), in each of its profiles, got {one!r}")
        described = Input(min=one[0], opt=one[1], max=one[2])
        assert described.min is not None
        assert described.opt is not None
        assert described.max is not None
        profiles.append((described.min, described.opt, described.max))
    if len({len(low) for low, _, _ in profiles}) > 1:
        raise InputError(f"Input needs as many dimensions in each of its profiles, got {profiles}")
    return tuple(profiles)


def largest_traced(described: Sequence[Input]) -> int | None:
    """The largest dynamic size to trace with, for all, so that equal ones stay equal; None leaves them as they are."""
    largest = _MOST_ELEMENTS
    while largest > 2 and not all(description.fits(largest) for description in described):
        largest //= 2
    return None if largest == _MOST_ELEMENTS else largest


def asked_in_profiles(leaves: Sequence[Any]) -> tuple[tuple[Mapping[int, Asked], ...], ...]:
    """What each profile asks of each leaf."""
    inputs = [leaf if isinstance(leaf, Input) else None for leaf in leaves]
    counts = {len(leaf.profiles) for leaf in inputs if leaf is not None and leaf.profiles is not None}
    if len(counts) > 1:
        numbers = " and ".join(map(str, sorted(counts)))
        raise InputError(f"the inputs have {numbers} profiles; each input that has profiles needs the same number")
    return tuple(
        tuple({} if leaf is None else leaf.asked_in(index) for leaf in inputs) for index in range(*counts or (0,))
    )
