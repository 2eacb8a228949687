"""Cutting a graph of calls in two colors into the fewest segments: graphs alone, no PyTorch.

A segment is a run of calls of one color, so segments alternate.  Running everything of one color that is ready, then
everything of the other, gives the fewest for the color that it begins with: every call is in the first run in which all
that it needs is there, and no other order has it in an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: how often all calls are looked at for a better segment; it ends by itself before
_ROUNDS: Final = 20

#: of each call the calls that it needs, all of them before it
Needs = Sequence[Sequence[int]]


def partition(colors: Sequence[int | None], needs: Needs) -> list[int]:
    """The number of the segment that each call is in; all calls of one segment have one color.

    There are as few segments as can be and, among partitions that the search meets, few values that cross from one to
    another.

    Args:
        colors: 0 or 1, or None for a call that may be anywhere.
        needs: of each call the calls that it needs, all of them before it.
    """
    starts = [earliest(colors, needs, first) for first in (0, 1)]
    fewest = min(max(start, default=0) for start in starts)
    found = []
    for first, start in enumerate(starts):
        if max(start, default=0) == fewest:
            found += [start, _latest(colors, needs, first, fewest)]
    users = users_of(needs)
    return min((_improved(segments, colors, needs, users) for segments in found), key=lambda s: crossings(s, users))


def crossings(segments: Sequence[int], users: Needs) -> int:
    """How many times a value goes into another segment than that of the call that makes it."""
    return sum(_crossing(call, segments, users) for call in range(len(segments)))


def _crossing(call: int, segments: Sequence[int], users: Needs) -> int:
    return len({segments[user] for user in users[call]} - {segments[call]})


def earliest(colors: Sequence[int | None], needs: Needs, first: int) -> list[int]:
    """The first segment that each call can be in, where the even ones have the color ``first``."""
    segments: list[int] = []
    for color, needed in zip(colors, needs, strict=True):
        ready = max((segments[call] for call in needed), default=0)
        segments.append(ready if color is None or (ready + first) % 2 == color else ready + 1)
    return segments


def _latest(colors: Sequence[int | None], needs: Needs, first: int, last: int) -> list[int]:
    """The last segment that each call can be in, of those up to ``last``."""
    segments = [last] * len(colors)
    for call in reversed(range(len(colors))):
        color = colors[call]
        if color is not None and (segments[call] + first) % 2 != color:
            segments[call] -= 1
        for needed in needs[call]:
            segments[needed] = min(segments[needed], segments[call])
    return segments


def _improved(segments: list[int], colors: Sequence[int | None], needs: Needs, users: Needs) -> list[int]:
    """The same number of segments with fewer crossings, by moving one call at a time to where it may be."""
    segments, last = list(segments), max(segments, default=0)
    for _ in range(_ROUNDS):
        moved = False
        for call, color in enumerate(colors):
            low = max((segments[needed] for needed in needs[call]), default=0)
            high = min((segments[user] for user in users[call]), default=last)
            around = [call, *needs[call]]
            own = segments[call]
            costs = {}
            for segments[call] in range(low, high + 1):
                if color is None or (segments[call] - own) % 2 == 0:
                    costs[segments[call]] = sum(_crossing(one, segments, users) for one in around)
            best = min(costs, key=lambda segment: costs[segment])
            segments[call] = best if costs[best] < costs[own] else own
            moved |= segments[call] != own
        if not moved:
            break
    return segments


def users_of(needs: Needs) -> list[list[int]]:
    """Of each call the calls that need it."""
    users: list[list[int]] = [[] for _ in needs]
    for call, needed in enumerate(needs):
        for one in set(needed):
            users[one].append(call)
    return users
