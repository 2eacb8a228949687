"""Converters that a script or notebook registers: the pack ``user``, asked before all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .converters import Converter, PackInfo, from_marks
from .loading import Packs, entry_module_roots, installed

USER: Final = PackInfo("user")
#: of functions marked in scripts, one for each target, the newest first
_converters: list[Converter] = []


def note(function: Callable[..., Any]) -> None:
    """Remember a classic converter, unless it is part of an installed pack, whose hook registers it."""
    if function.__module__.partition(".")[0] not in entry_module_roots():
        # resolve and check now, where the user is; the last mark is the one that was just made
        newest = list(from_marks(function, USER))[-1]
        forget(newest)
        _converters.insert(0, newest)


def forget(converter: Converter) -> None:
    """Take a converter of the script out again, where it is one."""
    if converter in _converters:
        _converters.remove(converter)


def current_packs() -> Packs:
    """The installed packs, behind the converters of the script."""
    return installed().with_first(USER, tuple(_converters)) if _converters else installed()
