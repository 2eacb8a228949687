"""Measure rows: every column in a process of its own, which take turns, so that all see the same machine."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .columns import find
from .measure import spread
from .process import Environment, Worker


@dataclass(frozen=True)
class Repetitions:
    """How often a column is measured: in ``rounds`` turns, each of some calls by themselves and some queued at once."""

    rounds: int = 7
    calls: int = 20
    queued: int = 50


@dataclass
class Bench:
    """Where and how rows are measured."""

    device: str
    repetitions: Repetitions
    #: the environment of the columns that need another than ours
    peers: Environment
    #: seconds that a process may take for one answer
    patience: float
    folder: Path
    _work: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def row(self, row: str, batch: int, dtype: str, columns: Sequence[str]) -> dict[str, Any]:
        """All columns of a model: what :meth:`Worker.prepare` tells of each, and the spread of its times in ``us``.

        A column that cannot run has ``why_not`` instead, one that failed a ``failure``.
        """
        work = self._reference(row, batch)
        recorded = {"row": row, "batch": batch, "dtype": dtype, **work}
        if "why_not" in work or "failure" in work:
            return {**recorded, "columns": {}}
        with contextlib.ExitStack() as stack:
            workers = {column: stack.enter_context(Worker(self._environment(column))) for column in columns}
            asked = {"row": row, "batch": batch, "dtype": dtype}
            found = self._prepared(workers, asked)
            self._rounds(workers, found)
        return {**recorded, "columns": found}

    def roofline(self) -> dict[str, Any]:
        """The measured rates of this GPU, or the failure to measure them."""
        with Worker(Environment()) as worker:
            return worker.ask("roofline", self.patience)

    def _prepared(self, workers: dict[str, Worker], asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What each column tells of itself; one after the other, when all have imported what they need."""
        place = {"row": asked["row"], "device": self.device}
        with ThreadPoolExecutor() as pool:  # nothing is timed yet
            answers = [
                pool.submit(worker.ask, "ready", self.patience, column=column, **place)
                for column, worker in workers.items()
            ]
            found = {column: answer.result() for column, answer in zip(workers, answers, strict=True)}
        expected = str(self._outputs(asked["row"], asked["batch"]))
        for column, worker in workers.items():
            if not found[column]:
                more = {"column": column, "device": self.device, "expected": expected}
                found[column] = worker.ask("prepare", self.patience, **asked, **more)
        return found

    def _rounds(self, workers: dict[str, Worker], found: dict[str, dict[str, Any]]) -> None:
        """Let the prepared columns take turns, and add the spread of their times; who fails once is asked no more."""
        times: dict[str, dict[str, list[float]]] = {column: {} for column in workers if "versions" in found[column]}
        repetitions = self.repetitions
        for _ in range(repetitions.rounds):
            for column in list(times):
                arguments = {"calls": repetitions.calls, "queued": repetitions.queued}
                answer = workers[column].ask("round", self.patience, **arguments)
                if "failure" in answer:
                    found[column] = answer
                    del times[column]
                    continue
                for kind, values in answer.items():
                    times[column].setdefault(kind, []).extend(values)
        for column, kinds in times.items():
            found[column]["us"] = {kind: spread(values) for kind, values in kinds.items()}

    def _environment(self, column: str) -> Environment:
        return self.peers if find(column).peer else Environment()

    def _outputs(self, row: str, batch: int) -> Path:
        return self.folder / f"{row}-{batch}.pt"

    def _reference(self, row: str, batch: int) -> dict[str, Any]:
        """Make the outputs of eager in float32, once for all dtypes."""
        if (row, batch) not in self._work:
            with Worker(Environment()) as worker:
                place = {"device": self.device, "path": str(self._outputs(row, batch))}
                self._work[row, batch] = worker.ask("reference", self.patience, row=row, batch=batch, **place)
        return self._work[row, batch]


@contextlib.contextmanager
def bench(device: str, repetitions: Repetitions, peers: Environment, patience: float) -> Iterator[Bench]:
    """A bench whose files are gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        yield Bench(device, repetitions, peers, patience, Path(folder))


def chosen(rows: Sequence[str], batches: Sequence[int], dtypes: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """The rows in the order in which a run that ends early has the most of: all models of one dtype and batch first."""
    for dtype in dtypes:
        for batch in batches:
            for row in rows:
                yield row, batch, dtype


class Deadline:
    """A budget of minutes for starting rows; None is no limit."""

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    def passed(self) -> bool:
        """Whether no more row may be started."""
        return self._end is not None and time.monotonic() >= self._end
