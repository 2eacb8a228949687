"""Which axes of one tensor another one shows, after views, permutations and choices of one element."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..program.call import Ref


@dataclass(frozen=True, slots=True)
class Axis:
    """A part of a dimension: every ``step`` elements, ``size`` times."""

    dim: int
    size: int
    step: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A value that shows elements of another one."""

    base: Ref
    #: for each of its dimensions the axes of the base that lie in it, the outermost first; none of size 1
    dims: tuple[tuple[Axis, ...], ...]
    #: axes of the base of which it has one element
    fixed: tuple[tuple[Axis, int], ...] = ()


def place(axis: Axis) -> tuple[int, int]:
    """Where an axis lies in the base."""
    return axis.dim, -axis.step


def within(axis: Axis, others: Sequence[Axis]) -> Axis:
    """An axis of the base as one of what has ``others`` for its dimensions, in one of which it lies."""
    dim = next(
        number
        for number, other in enumerate(others)
        if other.dim == axis.dim and other.step <= axis.step < other.step * other.size
    )
    return Axis(dim, axis.size, axis.step // others[dim].step)


def whole(ref: Ref, value: torch.Tensor) -> Moved:
    """A value as all of itself."""
    return Moved(ref, tuple((Axis(dim, size, 1),) if size != 1 else () for dim, size in enumerate(value.shape)))


def selected(known: Moved, dim: int, index: int) -> Moved | None:
    """One element of a dimension that is one axis of the base, or none."""
    dim %= len(known.dims)
    dims = known.dims[:dim] + known.dims[dim + 1 :]
    if not known.dims[dim]:
        return replace(known, dims=dims)
    if len(known.dims[dim]) > 1 or not isinstance(index, int):
        return None
    (axis,) = known.dims[dim]
    return replace(known, dims=dims, fixed=(*known.fixed, (axis, index % axis.size)))


def regrouped(axes: Sequence[Axis], shape: Sequence[int]) -> tuple[tuple[Axis, ...], ...] | None:
    """The axes in the dimensions of a view, taken apart where one ends within them; None where that is not possible."""
    left, dims = collections.deque(axes), []
    for size in shape:
        dim: list[Axis] = []
        while size != 1:
            axis = left.popleft()
            common = math.gcd(size, axis.size)
            if common == axis.size:
                dim.append(axis)
            elif common == size:
                inner = axis.size // size
                dim.append(Axis(axis.dim, size, axis.step * inner))
                left.appendleft(Axis(axis.dim, inner, axis.step))
            else:
                return None
            size //= common
        dims.append(tuple(dim))
    return tuple(map(joined, dims))


def joined(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The axes, those that follow each other in one dimension of the base as one."""
    found: list[Axis] = []
    for axis in axes:
        before = found[-1] if found else None
        if before is not None and before.dim == axis.dim and before.step == axis.step * axis.size:
            found[-1] = Axis(axis.dim, before.size * axis.size, axis.step)
        else:
            found.append(axis)
    return tuple(found)
