"""The phases of long work on a terminal: how far each is, and what it took when the same was run before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape

from .. import __version__
from ..cache.entry import Entry
from ..cache.place import Cache, store_of

if TYPE_CHECKING:
    from rich.progress import Progress

#: the kind of an entry of the cache that has seconds by phase
_KIND: Final = "times"


class Phases:
    """Tells the phases of a command on a terminal, and nothing elsewhere.

    Args:
        shown: False tells nothing on a terminal either, as ``--json`` wants it.
        past: the seconds that phases took when the same was run before.
    """

    def __init__(self, shown: bool = True, past: Mapping[str, float] | None = None) -> None:
        self._console = Console(stderr=True, highlight=False)
        self.wanted, self.shown = shown, shown and self._console.is_terminal
        self._past = past or {}
        #: the seconds that those of this run took
        self.took: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, doing: str, *, steps: int | None = None, live: bool = True) -> Iterator[Callable[[], None]]:
        """Say what is going on and, when it is done, how long it took; gives what to call when a step is done.

        Args:
            doing: what it is, such as ``"building"``.
            steps: how many there are, alike.  Nothing is drawn but when one is done, for they may be timed.
            live: False where what is going on draws for itself.
        """
        if not self.shown:
            yield _nothing
            return
        began, past, words = time.monotonic(), self._past.get(doing), escape(doing)
        of = "" if past is None else f"of {past:.1f} s the last time"
        if live:
            with _progress(self._console, steps) as progress:
                task = progress.add_task(words, total=steps, of=of)
                yield lambda: progress.update(task, advance=1, refresh=True)
        else:
            if of:
                self._console.print(f"[dim]{words} … {of.removeprefix('of ')}[/]")
            yield _nothing
        self.took[doing] = time.monotonic() - began
        self._console.print(f"[dim]{words}: {self.took[doing]:.1f} s[/]")


@contextlib.contextmanager
def remembered(command: str, given: Sequence[Any], *, cache: Cache = True, shown: bool = True) -> Iterator[Phases]:
    """The phases of a command with the times of the last run, and theirs are kept for the next once all are done.

    Args:
        command: its name.
        given: what it was given, of which times are: first what it is about.
        cache: where they are kept, as the setting says.
        shown: as for :class:`Phases`.
    """
    if not Phases(shown).shown:
        yield Phases(shown)
        return
    store = store_of(cache)
    key = hashlib.sha256(repr((command, __version__, given)).encode()).hexdigest()
    before = store.get(_KIND, key) if store else None
    phases = Phases(past=json.loads(before.parts[0]) if before else None)
    yield phases
    if store:
        store.put(_KIND, key, Entry({"command": f"{command} {given[0]}"}, (json.dumps(phases.took).encode(),)))


def _nothing() -> None:
    pass


def _progress(console: Console, steps: int | None) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    doing, took = TextColumn("{task.description} …"), TextColumn("{task.elapsed:.1f} s {task.fields[of]}")
    if steps is None:
        return Progress(SpinnerColumn(), doing, took, console=console, transient=True)
    left = TextColumn("left")
    counted = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(compact=True), left)
    return Progress(doing, *counted, console=console, transient=True, auto_refresh=False)
