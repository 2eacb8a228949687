"""The sizes that a program holds for: the ranges of its inputs, and the guards on them that remain."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from ..errors import CaptureError, NarrowedRangeWarning, warn
from ..program.guards import Condition, Guard, Size, compiled
from .dims import Asked
from .edges import Point, differing_sizes
from .variables import LOOKED_AT, Variable, dynamic_sizes, relations, spelled, variables_of

#: how many sizes that a guard excludes are tried
_TRIED: Final = 2


def settle(
    exported: ExportedProgram,
    tensors: Mapping[str, torch.Tensor],
    asked: Mapping[str, Mapping[int, Asked]],
    guards: Sequence[Guard],
    differing: Iterable[tuple[Any, Any, str]],
    tried: Callable[[Mapping[Size, int]], bool],
) -> tuple[dict[Any, Variable], tuple[Guard, ...]]:
    """The ranges of the sizes that vary, and the guards, for which a program computes what the model does.

    Warns of every range that was asked for and does not hold.

    Args:
        exported: the program, decomposed.
        tensors: its tensor inputs by name, FakeTensors.
        asked: what was asked of their dynamic dimensions.
        guards: what the export relied on.
        differing: lengths in symbols that must not be equal, with the file:line of the call that asks for it.
        tried: whether program and model agree at sizes.

    Raises:
        CaptureError: a size has no upper bound.
    """
    sizes = {(name, dim): size for name, tensor in tensors.items() for dim, size in dynamic_sizes(tensor)}
    variables = variables_of(sizes, asked, exported.range_constraints)
    apart = [_different(one, other, variables, source) for one, other, source in differing]
    conditions = _conditions([*guards, *relations(sizes, variables), *apart])
    for variable in variables.values():
        conditions = _without_caution(variable, variables.values(), conditions, tried)
    conditions = _without_joint_caution(conditions, tried)
    edges = differing_sizes(exported.graph_module, variables, _admits(conditions.values(), variables))
    conditions |= _conditions([Guard(condition, source) for condition, source in edges])
    said: set[Guard] = set()
    for symbol, variable in variables.items():
        variables[symbol], implied = _narrowed(variable, conditions)
        said |= implied
    return variables, tuple(dataclasses.replace(guard, checked=guard not in said) for guard in conditions)


def _conditions(guards: Sequence[Guard]) -> dict[Guard, Condition]:
    """The guards, each once."""
    different = {tuple(sorted(guard.condition.split(" == "))): guard for guard in reversed(guards)}
    return {guard: compiled(guard.condition) for guard in reversed(different.values())}


def _different(one: Any, other: Any, variables: Mapping[Any, Variable], source: str) -> Guard:
    """That two lengths are not equal; :class:`CaptureError` where one depends on values."""
    if not (one.free_symbols | other.free_symbols) <= variables.keys():
        raise CaptureError(
            f"what the model writes in place{f' (at {source})' if source else ''} stands in a tensor or in a copy of "
            "it, by a size that depends on values; write into a .clone(), or compute a new tensor"
        )
    return Guard(f"{spelled(one, variables)} != {spelled(other, variables)}", source)


def _admits(conditions: Collection[Condition], variables: Mapping[Any, Variable]) -> Callable[[Point], bool]:
    """Whether sizes fulfill the conditions, as far as these ask for nothing but variables."""
    symbols = {place: symbol for symbol, variable in variables.items() for place in variable.places}
    asked = [(c.holds, [symbols[size] for size in c.sizes]) for c in conditions if symbols.keys() >= set(c.sizes)]
    return lambda point: all(holds(*[point[symbol] for symbol in given]) for holds, given in asked)


def _without_caution(
    variable: Variable,
    variables: Collection[Variable],
    conditions: dict[Guard, Condition],
    tried: Callable[[Mapping[Size, int]], bool],
) -> dict[Guard, Condition]:
    """The conditions without those that exclude a size or two and need not.

    PyTorch's operators make such guards for the sake of strides, the same as a model that computes something else for a
    batch of one: so these sizes are tried.
    """
    every = range(variable.low, _last(variable) + 1)
    excluded = {
        guard: {size for size in every if not holds(size)} for guard, holds in _own(variable, conditions).items()
    }
    surely = set().union(*(sizes for sizes in excluded.values() if len(sizes) > _TRIED))
    doubted = {guard: sizes - surely for guard, sizes in excluded.items() if 0 < len(sizes) <= _TRIED}
    # sizes that are usually equal may have to be, as those of one batch
    alike = [place for other in variables if other.usual == variable.usual for place in other.places]
    good = {
        size
        for size in set().union(*doubted.values())
        if tried(dict.fromkeys(variable.places, size)) or tried(dict.fromkeys(alike, size))
    }
    return {guard: c for guard, c in conditions.items() if not (guard in doubted and doubted[guard] <= good)}


def _without_joint_caution(
    conditions: dict[Guard, Condition], tried: Callable[[Mapping[Size, int]], bool]
) -> dict[Guard, Condition]:
    """The same of conditions on several sizes, such as ``x.shape[2] * x.shape[3] != 1``."""

    def cautious(condition: Condition) -> bool:
        count = len(condition.sizes)
        excluded = [sizes for sizes in itertools.product((1, 2, 3), repeat=count) if not condition.holds(*sizes)]
        return 1 < count <= 4 and excluded == [(1,) * count]

    return {g: c for g, c in conditions.items() if not (cautious(c) and tried(dict.fromkeys(c.sizes, 1)))}


def _own(variable: Variable, conditions: Mapping[Guard, Condition]) -> dict[Guard, Callable[[int], bool]]:
    """The conditions on this variable alone, as functions of it."""

    def of_one(condition: Condition) -> Callable[[int], bool]:
        return lambda size: bool(condition.holds(*[size] * len(condition.sizes)))

    return {g: of_one(c) for g, c in conditions.items() if c.sizes and set(c.sizes) <= set(variable.places)}


def _last(variable: Variable) -> int:
    return min(variable.high, variable.low + LOOKED_AT)


def _narrowed(variable: Variable, conditions: Mapping[Guard, Condition]) -> tuple[Variable, set[Guard]]:
    """The range in which all conditions on this size alone hold, and those of them that the range says already."""
    own, last = _own(variable, conditions), _last(variable)
    every = range(variable.low, last + 1)
    holds = {guard: set(filter(condition, every)) for guard, condition in own.items()}
    good = sorted(set(every).intersection(*holds.values()))
    if not good:
        return variable, set()
    low, high = good[0], good[-1] if good[-1] < last else variable.high
    full = {guard for guard, sizes in holds.items() if sizes.issuperset(range(low, min(high, last) + 1))}
    narrowed = dataclasses.replace(variable, low=low, high=high, usual=min(max(variable.usual, low), high))
    _tell(narrowed, [guard for guard in own if guard not in full], list(own))
    # neither that two dimensions are equal nor what was not looked at is said by the range
    return narrowed, {guard for guard in full if len(conditions[guard].sizes) == 1 and high <= last}


def _tell(variable: Variable, remaining: Sequence[Guard], guards: Sequence[Guard]) -> None:
    """Warn where a range is not what was asked for."""
    low, _, high = variable.asked
    as_asked = low in (None, variable.low) and high in (None, variable.high)
    if as_asked and not remaining:
        return
    wanted = f"{variable.low if low is None else low} to {high or variable.high}"
    taken = f"{variable.low} to {variable.high}"
    if remaining:
        taken += f" where {' and '.join(guard.condition for guard in remaining)}"
    why = f" ({'; '.join(map(str, guards))})" if guards else ""
    warn(
        f"sizes {wanted} were asked for {variable.name}, the converted module takes {taken}: with other sizes the "
        f"model does not compute what was traced{why}. Where they are needed, convert the model again for them",
        NarrowedRangeWarning,
    )
