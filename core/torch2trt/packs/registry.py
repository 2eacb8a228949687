"""The registry: for every target the chain of converters that are asked, in order."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from ..errors import ConverterConflictWarning, PackError, TargetError
from ..program.call import Level, Target
from .converters import Converter, PackInfo, from_marks
from .marks import marks


class Registry:
    """Chains of converters, keyed by the identity of the target's object."""

    def __init__(self, converters: Iterable[Converter] = ()) -> None:
        self._chains: dict[Any, tuple[Converter, ...]] = {}
        for converter in converters:
            self.append(converter)

    def append(self, converter: Converter) -> None:
        """Add ``converter`` at the end of its target's chain."""
        key = converter.target.obj
        self._chains[key] = (*self._chains.get(key, ()), converter)

    def chain(self, obj: Any) -> tuple[Converter, ...]:
        """The converters of a target's object, the first to be asked first."""
        return self._chains.get(obj, ())

    def claimed(self, level: Level) -> dict[Any, Target]:
        """The targets of one level by their objects."""
        return {obj: chain[0].target for obj, chain in self._chains.items() if chain[0].target.level == level}

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target once, named as the converter asked first names it."""
        return tuple(chain[0].target for chain in self._chains.values())

    def __iter__(self) -> Iterator[Converter]:
        """Every converter, those of one target in a row."""
        for chain in self._chains.values():
            yield from chain

    def __len__(self) -> int:
        """How many converters there are."""
        return sum(map(len, self._chains.values()))


class PackRegistry:
    """The registry as one pack's hook sees it: everything added carries the pack's name."""

    def __init__(self, pack: PackInfo) -> None:
        self.pack = pack
        self.converters: list[Converter] = []
        self._requires: tuple[str, ...] = ()

    def requires(self, *requirements: str) -> None:
        """State what TensorRT the converters added from here on need; any of ``requirements`` is enough.

        Args:
            requirements: such as ``"tensorrt>=10.13"`` and ``"rtx>=1.5"``.
        """
        self._requires = requirements

    def add(self, *sources: ModuleType | Callable[..., Any]) -> None:
        """Add converters.

        Args:
            sources: marked functions, or modules; of a module, the marked functions that are defined in it.

        Raises:
            PackError: a source without converters, a target that does not resolve, a function that does not fit its
                target's schema, or one that could never be reached.
        """
        for source in sources:
            functions = _functions(source)
            if not functions:
                name = getattr(source, "__name__", repr(source))
                raise PackError(f"pack {self.pack} adds {name}, which has no function marked with @converter")
            for function in functions:
                try:
                    converters = list(from_marks(function, self.pack, self._requires))
                except (TargetError, PackError) as error:
                    raise PackError(f"pack {self.pack} cannot register a converter: {error}") from error
                for converter in converters:
                    self._append(converter)

    def _append(self, converter: Converter) -> None:
        for earlier in self.converters:
            takes_all = earlier.rejects is None and earlier.requires in ((), converter.requires)
            if earlier.target == converter.target and takes_all:
                raise PackError(
                    f"pack {self.pack} adds two converters of {converter.target.name}; {converter.name} "
                    f"({converter.location}) is never reached, because {earlier.name} ({earlier.location}) "
                    "rejects nothing"
                )
        self.converters.append(converter)


def _functions(source: ModuleType | Callable[..., Any]) -> list[Callable[..., Any]]:
    if not inspect.ismodule(source):
        return [source] if marks(source) else []
    # what a module merely imports belongs to whoever defined it
    own = (value for value in vars(source).values() if getattr(value, "__module__", None) == source.__name__)
    return list(dict.fromkeys(value for value in own if marks(value)))


def warn_conflicts(registries: Iterable[PackRegistry]) -> None:
    """Warn where packs of the same rank, given in the order in which they are asked, claim one target."""
    first: dict[Any, Converter] = {}
    rivals: dict[tuple[str, str], list[str]] = {}
    for registry in registries:
        for converter in registry.converters:
            winner = first.setdefault(converter.target.obj, converter)
            if winner.pack != converter.pack:
                rivals.setdefault((str(winner.pack), str(converter.pack)), []).append(converter.target.name)
    for (winner_name, loser_name), targets in rivals.items():
        loser = loser_name.partition(" ")[0]
        warnings.warn(
            f"packs {winner_name} and {loser_name} both claim {', '.join(targets)}; {winner_name} is asked first. "
            "To choose, mark the hook of the pack that shall win with @hookimpl(tryfirst=True), "
            f"or block one of them, for example TORCH2TRT_BLOCK={loser}",
            ConverterConflictWarning,
            stacklevel=2,
        )
