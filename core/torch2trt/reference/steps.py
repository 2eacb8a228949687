"""Steps over numbered slots: each reads and fills slots, and releases those that no later step needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .evaluators.base import Kernel
from .layers import Node, Value


@dataclass(frozen=True, slots=True)
class Step:
    """One layer: ``slots[outputs] = kernel(*slots[inputs])``.

    ``host`` steps compute shapes, on the CPU whatever the device of the network.  Inputs from ``control_from`` on are
    read as plain numbers, so they are not moved to another device.
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
    """A loop-carried value: ``output`` is ``initial`` in the first iteration and ``following`` in the others."""

    output: int
    initial: int
    following: int


@dataclass(frozen=True, slots=True)
class Iteration:
    """The slice of ``input`` along ``axis`` at the iteration's number, which counts from the end if ``reverse``."""

    output: int
    input: int
    axis: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class LoopOutput:
    """One output of a loop; ``length`` is the slot of the concatenation's length, or None for the last value."""

    output: int
    value: int
    length: int | None
    axis: int
    reverse: bool
    declared: Value


@dataclass(frozen=True, slots=True)
class LoopStep:
    """A whole loop; ``condition`` holds the steps of its body that the WHILE limit needs, ``body`` the others."""

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
        slots = {slot for r in self.recurrences for slot in (r.initial, r.following)}
        slots |= {iteration.input for iteration in self.iterators} | {result.value for result in self.results}
        slots |= {slot for slot in (self.count, self.proceed, *(r.length for r in self.results)) if slot is not None}
        return slots.union(*(step.reads for step in (*self.condition, *self.body)))

    @property
    def inner(self) -> set[int]:
        """Slots that only the step itself uses."""
        own = {r.output for r in self.recurrences} | {i.output for i in self.iterators}
        return own | _filled((*self.condition, *self.body))


@dataclass(frozen=True, slots=True)
class BranchStep:
    """A whole conditional: two branches, of which one is evaluated, each with its results as (output, value) slots."""

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
        slots = {self.condition} | {value for _, value in self.inputs}
        slots |= {value for result in self.results for _, value in result}
        return slots.union(*(step.reads for branch in self.branches for step in branch))

    @property
    def inner(self) -> set[int]:
        """Slots that only the step itself uses."""
        return {output for output, _ in self.inputs} | _filled((*self.branches[0], *self.branches[1]))


AnyStep = Step | LoopStep | BranchStep


def _filled(steps: Iterable[AnyStep]) -> set[int]:
    return {slot for step in steps for slot in (*step.outputs, *step.inner)}


def with_releases(steps: Sequence[AnyStep], keep: set[int]) -> tuple[AnyStep, ...]:
    """The steps of one region, each releasing the region's slots that neither a later step nor ``keep`` needs."""
    return tuple(reversed(list(_releases(steps, keep))))


def _releases(steps: Sequence[AnyStep], keep: set[int]) -> Iterator[AnyStep]:
    filled = {slot for step in steps for slot in step.outputs}
    needed = set(keep)
    for step in reversed(steps):
        last = ((step.reads & filled) | set(step.outputs)) - needed
        needed |= step.reads
        yield replace(step, release=tuple(sorted(last | step.inner)))
