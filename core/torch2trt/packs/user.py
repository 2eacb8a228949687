"""Converters that a script or notebook registers: the pack ``user``, asked before all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .converters import PackInfo, from_marks
from .loading import Packs, entry_module_roots, installed

USER: Final = PackInfo("user")
#: functions marked in scripts, the newest first
_functions: list[Callable[..., Any]] = []


def note(function: Callable[..., Any]) -> None:
    """Remember a classic converter, unless it is part of an installed pack, whose hook registers it."""
    if function.__module__.partition(".")[0] not in entry_module_roots():
        list(from_marks(function, USER))  # resolve and check now, where the user is
        _functions.insert(0, function)


def forget(function: Callable[..., Any]) -> None:
    """Take a converter of the script out again."""
    _functions.remove(function)


def current_packs() -> Packs:
    """The installed packs, behind the converters of the script."""
    own = [converter for function in _functions for converter in from_marks(function, USER)]
    return installed().with_first(USER, own) if own else installed()
