"""Converters that a script or notebook registers: the pack ``user``, asked before all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final

from .converters import Converter, PackInfo, from_marks
from .errors import PackError
from .packs import Packs, entry_module_roots, installed
from .targets import resolve

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


class Converters(MutableMapping[str, Converter]):
    """The global mapping of what is registered: a target's name to the converter that is asked first."""

    def __getitem__(self, target: str) -> Converter:
        chain = current_packs().registry().chain(resolve(target).obj)
        if not chain:
            raise KeyError(target)
        return chain[0]

    def __setitem__(self, target: str, converter: Converter | Callable[..., Any]) -> None:
        from .classic import tensorrt_converter

        tensorrt_converter(target)(converter.function if isinstance(converter, Converter) else converter)

    def __delitem__(self, target: str) -> None:
        converter = self[target]
        if converter.pack is not USER:
            raise PackError(
                f"{target} is converted by pack {converter.pack}, which cannot be changed from here; "
                f"block it with TORCH2TRT_BLOCK={converter.pack.name}, or register a converter of your own"
            )
        forget(converter.function)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(converter.target.name for converter in current_packs().registry()))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"<CONVERTERS: {len(self)} targets>"


CONVERTERS: Final = Converters()
