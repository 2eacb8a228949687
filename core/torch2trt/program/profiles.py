"""Optimization profiles: ranges of the sizes of all inputs, of which one has to hold a whole call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from .leaves import Ranges, TensorSpec

#: the place of the first profile that holds the shapes of all inputs, in order; None where none does
Choice = Callable[[Sequence[Any]], "int | None"]


def first_holding(profiles: Sequence[Sequence[Ranges]]) -> Choice:
    """Chooses among profiles, each the ranges of every input; the shapes have as many dimensions."""
    limits = [
        [
            (index, dim, low, high)
            for index, ranges in enumerate(profile)
            for dim, (low, _, high) in enumerate(ranges)
            if any(other[index][dim] != ranges[dim] for other in profiles)  # others are checked by themselves
        ]
        for profile in profiles
    ]

    def first(shapes: Sequence[Any]) -> int | None:
        for place, checks in enumerate(limits):
            if all(low <= shapes[index][dim] <= high for index, dim, low, high in checks):
                return place
        return None

    return first


def hull(profiles: Sequence[Ranges]) -> Ranges:
    """The smallest ranges that have all profiles in them; usual is what is usual in the first."""
    return tuple(
        (min(low for low, _, _ in sizes), sizes[0][1], max(high for _, _, high in sizes))
        for sizes in zip(*profiles, strict=True)
    )


def differing(ranges: Ranges, profiles: Sequence[Ranges]) -> tuple[Ranges, ...]:
    """The sizes of one tensor in each profile; none where every one has all of its ``ranges``."""
    return tuple(profiles) if any(one != ranges for one in profiles) else ()


def in_profiles(specs: Sequence[TensorSpec]) -> tuple[tuple[TensorSpec, ...], ...]:
    """Tensors that go into one engine, as they are in each of its profiles, of which it has one or more."""
    count = max((len(spec.profiles) for spec in specs), default=0)
    return tuple(tuple(spec.in_profile(index) for spec in specs) for index in range(max(count, 1)))


def why_in_none(profiles: Sequence[Sequence[TensorSpec]], tensors: Mapping[str, torch.Tensor]) -> str | None:
    """Why no profile holds ``tensors``, of which each by itself was checked, with the cure; None where one does."""
    if len(profiles) == 1:
        return None
    given = [[spec for spec in profile if spec.name in tensors] for profile in profiles]
    shapes = [tensors[spec.name].shape for spec in given[0]]
    if first_holding([[spec.ranges for spec in one] for one in given])(shapes) is not None:
        return None
    got = ", ".join(f"{spec.name} {tuple(shape)}" for spec, shape in zip(given[0], shapes, strict=True))
    known = "; ".join(f"{index}: {', '.join(map(str, one))}" for index, one in enumerate(given))
    return (
        f"the sizes {got} are in none of the profiles that the module was converted with ({known}); "
        "convert again with a profile that holds them"
    )
