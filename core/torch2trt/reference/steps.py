"""A plan: steps over numbered slots, in order, each with the slots that nothing needs after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .evaluators.base import Kernel
from .network import Node, Value


@dataclass(frozen=True, slots=True)
class Step:
    """One layer: ``slots[outputs] = kernel(*slots[inputs])``.

    ``host`` steps compute shapes: they run on the CPU wherever the network runs.  Inputs from ``control_from`` on are
    read as plain numbers, so they stay on whatever device they are.
    """

    node: Node
    kernel: Kernel
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    host: bool
    control_from: int
    release: tuple[int, ...] = ()

    @property
    def reads(self) -> set[int]:
        """Slots that the step may read."""
        return set(self.inputs)

    @property
    def inner(self) -> set[int]:
        """Slots that only the step itself uses."""
        return set()


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A loop-carried value: ``output`` is ``initial`` at first and ``following`` from the second iteration on."""

    output: int
    initial: int
    following: int


@dataclass(frozen=True, slots=True)
class Iteration:
    """A slice of ``input`` at the iteration's number along ``axis``, counted from the end where ``reverse``."""

    output: int
    input: int
    axis: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class LoopOutput:
    """One output of a loop; ``length`` is the slot of the concatenation's length, None for the last value."""

    output: int
    value: int
    length: int | None
    axis: int
    reverse: bool
    declared: Value


@dataclass(frozen=True, slots=True)
class LoopStep:
    """A whole loop; ``condition`` are the steps of its body that the WHILE limit needs, ``body`` the others."""

    node: Node
    count: int | None
    proceed: int | None
    recurrences: tuple[Recurrence, ...]
    iterators: tuple[Iteration, ...]
    results: tuple[LoopOutput, ...]
    condition: tuple[AnyStep, ...]
    body: tuple[AnyStep, ...]
    release: tuple[int, ...] = ()

    @property
    def outputs(self) -> tuple[int, ...]:
        """Slots that the step fills."""
        return tuple(result.output for result in self.results)

    @property
    def reads(self) -> set[int]:
        """Slots that the step may read."""
        found = {slot for r in self.recurrences for slot in (r.initial, r.following)}
        found |= {iteration.input for iteration in self.iterators} | {result.value for result in self.results}
        found |= {slot for slot in (self.count, self.proceed, *(r.length for r in self.results)) if slot is not None}
        return found.union(*(step.reads for step in (*self.condition, *self.body)))

    @property
    def inner(self) -> set[int]:
        """Slots that only the step itself uses."""
        own = {r.output for r in self.recurrences} | {i.output for i in self.iterators}
        return own | _filled((*self.condition, *self.body))


@dataclass(frozen=True, slots=True)
class BranchStep:
    """A whole conditional: two branches, of which one runs, each with the (output, value) slots that it yields."""

    node: Node
    condition: int
    inputs: tuple[tuple[int, int], ...]
    branches: tuple[tuple[AnyStep, ...], tuple[AnyStep, ...]]
    results: tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]
    release: tuple[int, ...] = ()

    @property
    def outputs(self) -> tuple[int, ...]:
        """Slots that the step fills."""
        return tuple(output for output, _ in self.results[0])

    @property
    def reads(self) -> set[int]:
        """Slots that the step may read."""
        found = {self.condition} | {value for _, value in self.inputs}
        found |= {value for result in self.results for _, value in result}
        return found.union(*(step.reads for branch in self.branches for step in branch))

    @property
    def inner(self) -> set[int]:
        """Slots that only the step itself uses."""
        return {output for output, _ in self.inputs} | _filled((*self.branches[0], *self.branches[1]))


AnyStep = Step | LoopStep | BranchStep


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order; ``constants`` maps slots to what fills them before the first step."""

    steps: tuple[AnyStep, ...]
    num_slots: int
    constants: dict[int, Any]
    host_constants: frozenset[int]
    inputs: tuple[tuple[Value, int], ...]
    outputs: tuple[tuple[Value, int], ...]


def _filled(steps: Iterable[AnyStep]) -> set[int]:
    return {slot for step in steps for slot in (*step.outputs, *step.inner)}


def with_releases(steps: Sequence[AnyStep], keep: set[int]) -> tuple[AnyStep, ...]:
    """The steps of one region, each releasing what the region fills and no later step (nor ``keep``) needs."""
    return tuple(reversed(list(_releases(steps, keep))))


def _releases(steps: Sequence[AnyStep], keep: set[int]) -> Iterator[AnyStep]:
    filled = {slot for step in steps for slot in step.outputs}
    needed = set(keep)
    for step in reversed(steps):
        last = ((step.reads & filled) | set(step.outputs)) - needed
        needed |= step.reads
        yield replace(step, release=tuple(sorted(last | step.inner)))
