"""Searching by halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: builds of an engine; after them the search gives what it has, which mends and may be more than is needed
_MOST_TRIALS = 128


def smallest(candidates: Sequence[str], mends: Callable[[Sequence[str]], bool]) -> list[str]:
    """A smallest subset that mends, in about ``k * log2(n / k)`` trials for ``k`` of ``n`` candidates.

    Args:
        candidates: which mend when all are taken.
        mends: whether a subset does; more never mend less.
    """
    trials = 0

    def tried(subset: list[str]) -> bool:
        nonlocal trials
        trials += 1
        return mends(subset)

    def search(among: list[str], beside: list[str]) -> list[str]:
        """What of ``among`` is needed where ``beside``, which alone does not mend, is taken too."""
        if len(among) == 1 or trials >= _MOST_TRIALS:
            return among
        first, second = among[: len(among) // 2], among[len(among) // 2 :]
        for half in (first, second):
            if tried(beside + half):
                return search(half, beside)
        needed = search(first, beside + second)
        return needed + search(second, beside + needed)

    return search(list(candidates), []) if candidates else []
