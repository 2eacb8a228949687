"""The numbers that a program reads from the values of its inputs: ``length.item()``, ``sections.tolist()``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch

from .call import Call, Ref, Target
from .program import Program

_aten = torch.ops.aten
#: ``item``
READ: Final = _aten._local_scalar_dense.default
#: sizes, strides and their product as numbers
_SYM: Final = "sym_"
_CAST: Final = _aten._to_copy.default
#: operators that move elements and change none
_MOVES: Final = frozenset(
    {
        *(_aten.select.int, _aten.slice.Tensor, _aten.unbind.int, _aten.split_with_sizes.default),
        *(_aten.squeeze.dims, _aten.unsqueeze.default, _aten.view.default, _aten.permute.default),
        *(_aten.expand.default, _aten.clone.default, _aten.alias.default),
    }
)
#: what is longer is no list of sizes or places
_MOST_ELEMENTS: Final = 64


def is_of_sizes(target: Target) -> bool:
    """Whether a call reads sizes or computes with such numbers, all of which the host knows."""
    if target.overload is not None:
        return target.overload._opname.startswith(_SYM)
    return target.level == "operator" and not isinstance(target.obj, torch._ops.HigherOrderOperator)


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that is read from a tensor while the program runs."""

    call: Call
    #: the inputs that the tensor is computed of
    inputs: frozenset[str]
    #: which element of the only input the number is; None where it is computed
    element: int | None


def readings(program: Program) -> Iterator[Reading]:
    """Every number that the program itself reads, in order; those of subprograms are not among them."""
    if not any(call.target.obj is READ for call in program.calls):
        return
    origins = {name: frozenset({name}) for name in program.inputs}
    places = {Ref("input", name): _places(value) for name, value in program.inputs.items()}
    for call in program.calls:
        refs = [ref for ref in call.refs if ref.kind != "constant"]
        origins[call.name] = frozenset[str]().union(*(origins[ref.name] for ref in refs))
        if call.target.obj is READ:
            place = places.get(refs[0]) if refs else None
            yield Reading(call, origins[call.name], None if place is None else int(place))
        elif len(refs) == 1 and (place := places.get(refs[0])) is not None:
            places |= _moved(call, refs[0], place)


def _places(value: Any) -> torch.Tensor | None:
    """A tensor of the shape of ``value`` that holds the place of every element; None where it has too many."""
    if not isinstance(value, torch.Tensor) or not all(isinstance(size, int) for size in value.shape):
        return None
    return torch.arange(value.numel()).view(value.shape) if value.numel() <= _MOST_ELEMENTS else None


def _moved(call: Call, ref: Ref, place: torch.Tensor) -> dict[Ref, torch.Tensor | None]:
    """Where the elements are after ``call``; nothing where it does more than move them."""
    own = Ref("call", call.name)
    if call.target.obj is _CAST:
        return {own: place} if call.result.dtype in (torch.int32, torch.int64) else {}
    if call.target.obj not in _MOVES:
        return {}
    args, kwargs = call.bind(lambda _: place)
    moved = call.target.obj(*args, **kwargs)
    parts = enumerate(moved) if isinstance(moved, (list, tuple)) else ()
    return {own: moved} | {Ref("call", call.name, index): part for index, part in parts}
