"""Which calls PyTorch runs beside engines, and why: ``fallback=True``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..dtypes import why_unsupported
from ..program.call import Call, Ref
from ..program.program import Program
from ..program.values import READ
from ..settings import Settings
from .partition import partition
from .planned import MAX_RANK, PlannedCall, walk, why_forbidden
from .segments import Kind, Segment, cut, is_bounded, is_free, symbols_of, whole

_KINDS: Final[tuple[Kind, Kind]] = ("engine", "torch")


def with_fallback(
    program: Program, calls: tuple[PlannedCall, ...], settings: Settings, forced: Mapping[str, str]
) -> tuple[tuple[PlannedCall, ...], tuple[Segment, ...]]:
    """The calls with those that PyTorch runs, and the segments of both kinds, as few as there can be.

    Args:
        program: the program.
        calls: its planned calls.
        settings: ``min_segment`` says which engines pay, ``random`` what is drawn nowhere.
        forced: why PyTorch runs calls whatever takes them, by the names of these.
    """
    calls = tuple(_without_converter(planned, settings, forced.get(planned.call.name)) for planned in calls)
    actions = {planned.action for planned in calls}
    if "torch" not in actions or "unsupported" in actions:  # which is an error
        return calls, (whole(program, calls),)
    borders = _Borders(program, calls)
    reasons = ((planned, borders.why_not(planned.call)) for planned in calls)
    calls = tuple(
        planned.in_torch(reason) if reason and planned.action == "convert" else planned for planned, reason in reasons
    )
    while True:
        groups = list(_groups(program, calls))
        small = [own for kind, own in groups if kind == "engine" and _converted(own) < settings.min_segment]
        if not small:
            return calls, cut(program, groups, calls)
        # the smallest alone: what is around it may join then
        given_back = min(small, key=_converted)
        count, names = _converted(given_back), {planned.call.name for planned in given_back if not is_free(planned)}
        many = "1 call" if count == 1 else f"{count} calls"
        why = f"an engine of {many} would not pay (min_segment={settings.min_segment})"
        calls = tuple(planned.in_torch(why) if planned.call.name in names else planned for planned in calls)


def all_in_torch(
    program: Program, calls: tuple[PlannedCall, ...], reason: str, kind: Kind = "torch"
) -> tuple[tuple[PlannedCall, ...], tuple[Segment, ...]]:
    """The calls, all of which PyTorch runs for one reason, and the one segment that they are."""
    calls = tuple(planned if planned.action == "fold" else planned.in_torch(reason) for planned in calls)
    return calls, cut(program, [(kind, [planned for planned in calls if planned.action == "torch"])], calls)


def _without_converter(planned: PlannedCall, settings: Settings, forced: str | None) -> PlannedCall:
    """A call that no converter takes, or that the user wants there, in PyTorch; what is forbidden stays unsupported."""
    every = list(walk([planned]))
    if any(why_forbidden(one.call, settings.random) for one in every):
        return planned
    if forced and planned.action != "fold":
        return planned.in_torch(forced)
    missing = [one for one in every if one.action == "unsupported"]
    if not missing:
        return planned
    inside = "" if planned in missing else f"it runs {missing[0].call.target.name}: {'; '.join(missing[0].reasons)}"
    return planned.in_torch(inside)


class _Borders:
    """What can go from PyTorch to an engine."""

    def __init__(self, program: Program, calls: Sequence[PlannedCall]) -> None:
        assert program.signature is not None
        self._symbols = symbols_of(program.signature.inputs, program)
        self._folded = {planned.call.name for planned in calls if planned.action == "fold"}
        self._bounded: dict[Any, bool] = {}

    def why_not(self, call: Call) -> str | None:
        """Why a call cannot be in an engine that has not all of the program, with the cure; None where it can."""
        if call.target.obj is READ:
            return "it reads a number from a tensor, which goes to engines from outside, in a range that they know"
        operands = zip(*map(pytree.tree_leaves, (call.operands, (call.args, call.kwargs))), strict=True)
        values = [value for ref, value in operands if isinstance(ref, Ref) and not self._is_constant(ref)]
        values += [value for index, value in enumerate(call.results) if call.uses(index)]
        return next(filter(None, map(self._why_not_value, values)), None)

    def _is_constant(self, ref: Ref) -> bool:
        return ref.kind == "constant" or (ref.kind == "call" and ref.name in self._folded)

    def _why_not_value(self, value: Any) -> str | None:
        if isinstance(value, (torch.SymFloat, torch.SymBool)):
            return "it computes with a number that is no integer, which goes to no engine"
        sizes: Sequence[Any] = (value,)
        if isinstance(value, torch.Tensor):
            sizes = value.shape
            if reason := why_unsupported(value.dtype):
                return reason
            if value.dim() > MAX_RANK:
                return f"TensorRT's tensors have at most {MAX_RANK} dimensions, one of its has {value.dim()}"
        if (unbounded := next((size for size in sizes if not self._is_bounded(size)), None)) is not None:
            return (
                f"the size {unbounded} comes of values and has no upper bound, which a TensorRT profile needs; "
                "state one in the model with torch._check"
            )
        return None

    def _is_bounded(self, size: Any) -> bool:
        if not isinstance(size, torch.SymInt):
            return True
        expression = size.node.expr
        if expression not in self._bounded:
            self._bounded[expression] = is_bounded(size, self._symbols)
        return self._bounded[expression]


def _groups(program: Program, calls: Sequence[PlannedCall]) -> Iterator[tuple[Kind, list[PlannedCall]]]:
    """The calls of each segment, in the order in which they run."""
    returned = {output.name for output in program.outputs if isinstance(output, Ref) and output.kind == "call"}
    placed = [planned for planned in calls if not is_free(planned) or planned.call.name in returned]
    numbers = {planned.call.name: number for number, planned in enumerate(placed)}
    # of a call that every segment has for itself, the calls that have to be done before it
    before: dict[str, set[int]] = {}
    for planned in calls:
        needed = [before[ref.name] for ref in planned.call.refs if ref.kind == "call"]
        own = planned.call.name
        before[own] = {numbers[own]} if own in numbers else set().union(*needed)
    needs = [
        sorted(set().union(*(before[ref.name] for ref in planned.call.refs if ref.kind == "call")))
        for planned in placed
    ]
    colors = [None if is_free(planned) else int(planned.action == "torch") for planned in placed]
    segments = partition(colors, needs)
    for segment in range(max(segments, default=-1) + 1):
        own_calls = [planned for planned, number in zip(placed, segments, strict=True) if number == segment]
        in_torch = any(planned.action == "torch" for planned in own_calls)
        yield _KINDS[in_torch], own_calls


def _converted(calls: Sequence[PlannedCall]) -> int:
    return sum(planned.action == "convert" and not is_free(planned) for planned in calls)
