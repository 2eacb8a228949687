"""Segments: parts of a program that run as one, each with tensors of its own for what goes in and comes out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch
from torch.utils._sympy.value_ranges import ValueRanges, bound_sympy

from ..dtypes import short_name
from ..errors import ConversionError
from ..program.call import Ref
from ..program.leaves import UNBOUNDED, TensorSpec
from ..program.profiles import differing, in_profiles
from ..program.program import Program, draws
from ..program.values import READ
from .planned import PlannedCall

#: what PyTorch takes for the bound of a size without one
_ANY_SIZE: Final = sys.maxsize - 1
#: the range of each symbol in the sizes of inputs
Symbols = Mapping[Any, ValueRanges[Any]]
#: what runs a segment; ``"inductor"`` is PyTorch with kernels that inductor makes
Kind = Literal["engine", "torch", "inductor"]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A part of the program that TensorRT or PyTorch runs."""

    kind: Kind
    #: in order; calls that cost nothing are in every segment that needs them
    calls: tuple[PlannedCall, ...]
    #: the tensor that each value from outside is
    inputs: Mapping[Ref, TensorSpec]
    #: the tensor's name for each value that goes out; a name is one tensor, however often it is returned
    outputs: tuple[tuple[Any, str], ...]

    @property
    def size(self) -> int:
        """How many of its calls run when it runs, and are not numbers alone."""
        return sum(not is_free(planned) for planned in self.calls)


def whole(program: Program, calls: Sequence[PlannedCall]) -> Segment:
    """The whole program as one segment, whose tensors are those of the signature."""
    assert program.signature is not None
    inputs = {Ref("input", spec.name): spec for spec in program.signature.inputs}
    outputs = tuple((output, name) for name, output in program.named_outputs.items())
    return Segment("engine", tuple(calls), inputs, outputs)


def renamed(segment: Segment, names: Mapping[str, str]) -> Segment:
    """The segment with other names for inputs of the engine."""
    inputs = {ref: replace(spec, name=names.get(spec.name, spec.name)) for ref, spec in segment.inputs.items()}
    return replace(segment, inputs=inputs)


def part(program: Program, calls: Sequence[PlannedCall], planned: Sequence[PlannedCall]) -> Segment:
    """Some calls of a program as a segment.

    Args:
        program: the program.
        calls: consecutive ones of ``planned``; constant calls before them that they need are added.
        planned: all planned calls of the program.
    """
    calls = _with_free(calls, planned, lambda p: p.action == "fold")
    own = {p.call.name for p in calls}
    later = {ref for p in planned if p.call.name not in own for ref in p.call.refs} | _returned(program)
    made = own - {p.call.name for p in calls if p.action == "fold"}
    return _segment(program, "engine", calls, {ref for ref in later if ref.kind == "call" and ref.name in made})


def cut(
    program: Program, groups: Sequence[tuple[Kind, Sequence[PlannedCall]]], planned: Sequence[PlannedCall]
) -> tuple[Segment, ...]:
    """The segments of a program.

    Args:
        program: the program.
        groups: the calls of each, in the order in which they run; calls that cost nothing need not be in one.
        planned: all planned calls of the program.
    """
    with_free = [_with_free(calls, planned, is_free) for _, calls in groups]
    segments = []
    for index, (kind, calls) in enumerate(groups):
        own = {p.call.name for p in calls}
        others = (p.call for other, given in enumerate(with_free) if other != index for p in given)
        later = {ref for call in others for ref in call.refs} | _returned(program)
        needed = {ref for ref in later if ref.kind == "call" and ref.name in own}
        segments.append(_segment(program, kind, with_free[index], needed))
    return tuple(segments)


def is_free(planned: PlannedCall) -> bool:
    """Whether a call costs nothing, so that every segment has its own: constants, and numbers made of sizes."""
    call = planned.call
    numbers = bool(call.results) and all(isinstance(result, (int, torch.SymInt)) for result in call.results)
    return planned.action == "fold" or (planned.action == "convert" and numbers and call.target.obj is not READ)


def is_bounded(size: torch.SymInt, symbols: Symbols) -> bool:
    """Whether a size, or a number that sizes are made of, has the bounds that TensorRT's profiles need."""
    low, _, high = _range(size, symbols)
    return low > -UNBOUNDED and high < UNBOUNDED


def _segment(program: Program, kind: Kind, calls: tuple[PlannedCall, ...], outputs: Collection[Ref]) -> Segment:
    own = {p.call.name for p in calls}
    assert program.signature is not None
    symbols = symbols_of(program.signature.inputs, program)
    profiles = [symbols_of(specs, program) for specs in in_profiles(program.signature.inputs)]
    refs = [ref for p in calls for ref in p.call.refs]
    if kind == "engine" and any(draws(p.call) for p in calls):
        refs += [Ref("input", buffer.name) for buffer in program.signature.state if buffer.is_seed]
    inputs = {
        ref: _spec(program, ref, symbols, profiles)
        for ref in refs
        if ref.kind != "constant" and ref.name not in (own if ref.kind == "call" else ())
    }
    for spec in inputs.values() if kind == "engine" else ():
        if any(high == UNBOUNDED for _, _, high in spec.ranges):
            raise ConversionError(f"{spec} goes between segments without the upper bound that a TensorRT profile needs")
    return Segment(kind, calls, inputs, tuple((ref, _name(ref)) for ref in sorted(outputs, key=str)))


def _returned(program: Program) -> set[Ref]:
    return {output for output in program.outputs if isinstance(output, Ref)}


def _with_free(
    calls: Sequence[PlannedCall], planned: Sequence[PlannedCall], free: Callable[[PlannedCall], bool]
) -> tuple[PlannedCall, ...]:
    """``calls`` with the free ones that they need, in order."""
    chosen = {p.call.name for p in calls}
    can_be = {p.call.name for p in planned if free(p)}
    for p in reversed(planned):
        if p.call.name in chosen:
            chosen |= {ref.name for ref in p.call.refs if ref.kind == "call" and ref.name in can_be}
    return tuple(p for p in planned if p.call.name in chosen)


def _spec(program: Program, ref: Ref, symbols: Symbols, profiles: Sequence[Symbols]) -> TensorSpec:
    if ref.kind == "input" and program.signature is not None:
        return next(spec for spec in program.signature.inputs if spec.name == ref.name)
    value = program.example_value(ref)
    if not isinstance(value, torch.Tensor):  # a number
        dtype = "int64" if isinstance(value, (int, torch.SymInt)) else "float64"
        return TensorSpec(_name(ref), dtype, (), (_range(value, symbols),) if dtype == "int64" else ())
    ranges, *each = (tuple(_range(size, known) for size in value.shape) for known in (symbols, *profiles))
    return TensorSpec(_name(ref), short_name(value.dtype), ranges, profiles=differing(ranges, each))


def symbols_of(inputs: Sequence[TensorSpec], program: Program) -> dict[Any, ValueRanges[Any]]:
    """The range of each symbol in the sizes of the program's ``inputs``, as the signature has them, or a profile."""
    ranges = {}
    for spec in inputs:
        for size, (low, _, high) in zip(program.inputs[spec.name].shape, spec.ranges, strict=True):
            if isinstance(size, torch.SymInt):
                ranges[size.node.expr] = ValueRanges(low, high)
    return ranges


def _range(size: int | torch.SymInt, symbols: Symbols) -> tuple[int, int, int]:
    """``(min, opt, max)`` of a size inside the program; ``UNBOUNDED`` where it has no upper bound."""
    if isinstance(size, int):
        return (size, size, size)
    expression, environment = size.node.expr, size.node.shape_env
    assert environment is not None
    # of a number that is read from a tensor the environment alone knows the range
    stated = {symbol: environment.bound_sympy(symbol) for symbol in expression.free_symbols}
    limits = bound_sympy(expression, {**stated, **symbols})
    low = int(limits.lower) if limits.lower.is_Integer else -UNBOUNDED
    high = int(limits.upper) if limits.upper.is_Integer and limits.upper < _ANY_SIZE else UNBOUNDED
    return (low, min(max(int(size.node.hint or high), low), high), high)


def _name(ref: Ref) -> str:
    return ref.name if ref.index is None else f"{ref.name}[{ref.index}]"
