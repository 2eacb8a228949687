"""Segments: parts of a program that run as one, each with tensors of its own for what goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch.utils._sympy.value_ranges import ValueRanges, bound_sympy

from ..dtypes import short_name
from ..errors import ConversionError
from ..program.call import Ref
from ..program.leaves import TensorSpec
from ..program.program import Program
from .planned import PlannedCall


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A part of the program; ``kind`` is ``engine`` until fallback to PyTorch adds another."""

    kind: Literal["engine"]
    calls: tuple[PlannedCall, ...]
    #: the tensor that each value from outside is
    inputs: Mapping[Ref, TensorSpec]
    #: the tensor's name for each value that goes out; a name is one tensor, however often it is returned
    outputs: tuple[tuple[Any, str], ...]


def whole(program: Program, calls: Sequence[PlannedCall]) -> Segment:
    """The whole program as one segment, whose tensors are those of the signature."""
    assert program.signature is not None
    inputs = {Ref("input", spec.name): spec for spec in program.signature.inputs}
    outputs = dict(zip(program.signature.outputs, program.outputs, strict=True))
    return Segment("engine", tuple(calls), inputs, tuple((output, name) for name, output in outputs.items()))


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
    calls = _with_constants(calls, planned)
    own = {p.call.name for p in calls}
    later = {ref for p in planned if p.call.name not in own for ref in p.call.refs}
    later |= {output for output in program.outputs if isinstance(output, Ref)}
    symbols = _symbols(program)
    inputs = {
        ref: _spec(program, ref, symbols)
        for p in calls
        for ref in p.call.refs
        if ref.kind != "constant" and ref.name not in (own if ref.kind == "call" else ())
    }
    folded = {p.call.name for p in calls if p.action == "fold"}
    used = sorted((ref for ref in later if ref.kind == "call" and ref.name in own - folded), key=str)
    return Segment("engine", calls, inputs, tuple((ref, _name(ref)) for ref in used))


def _with_constants(calls: Sequence[PlannedCall], planned: Sequence[PlannedCall]) -> tuple[PlannedCall, ...]:
    chosen = {p.call.name for p in calls}
    for p in reversed(planned):
        if p.call.name in chosen:
            folds = {q.call.name for q in planned if q.action == "fold"}
            chosen |= {ref.name for ref in p.call.refs if ref.kind == "call" and ref.name in folds}
    return tuple(p for p in planned if p.call.name in chosen)


def _spec(program: Program, ref: Ref, symbols: Mapping[Any, ValueRanges[Any]]) -> TensorSpec:
    value = program.example_value(ref)
    if isinstance(value, torch.SymInt):
        return TensorSpec(_name(ref), "int64", (), (_range(value, symbols),))
    return TensorSpec(_name(ref), short_name(value.dtype), tuple(_range(size, symbols) for size in value.shape))


def _symbols(program: Program) -> dict[Any, ValueRanges[Any]]:
    """The range of each symbol in the sizes of the program's inputs, as the signature has it."""
    assert program.signature is not None
    ranges = {}
    for spec in program.signature.inputs:
        for size, (low, _, high) in zip(program.inputs[spec.name].shape, spec.ranges, strict=True):
            if isinstance(size, torch.SymInt):
                ranges[size.node.expr] = ValueRanges(low, high)
    return ranges


def _range(size: int | torch.SymInt, symbols: Mapping[Any, ValueRanges[Any]]) -> tuple[int, int, int]:
    """``(min, opt, max)`` of a size inside the program."""
    if isinstance(size, int):
        return (size, size, size)
    expression, environment = size.node.expr, size.node.shape_env
    assert environment is not None
    # of a number that is read from a tensor the environment alone knows the range
    stated = {symbol: environment.bound_sympy(symbol) for symbol in expression.free_symbols}
    limits = bound_sympy(expression, {**stated, **symbols})
    if not limits.upper.is_finite:
        raise ConversionError(f"the size {size} between segments has no upper bound, which a TensorRT profile needs")
    low, high = int(limits.lower), int(limits.upper)
    return (low, min(max(int(size.node.hint or high), low), high), high)


def _name(ref: Ref) -> str:
    return ref.name if ref.index is None else f"{ref.name}_{ref.index}"
