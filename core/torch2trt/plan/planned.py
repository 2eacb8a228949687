"""What is decided of one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import torch
from torch.utils import _pytree as pytree

from ..dtypes import why_unsupported
from ..packs.choice import choose, folds
from ..packs.converters import Converter
from ..packs.loading import Packs
from ..program.call import Call, Ref, describe
from ..program.program import Program, draws, subprograms_of
from ..settings import Random

#: ``convert``: a converter emits layers; ``fold``: only constants go in, PyTorch computes it once while lowering;
#: ``torch``: PyTorch runs it at every call, between engines
Action = Literal["convert", "fold", "torch", "unsupported"]
#: the dimensions of TensorRT's tensors (``Dims.MAX_DIMS``)
MAX_RANK: Final = 8
#: of two programs one runs, once
_BRANCHES: Final = "higher_order.cond"


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCall:
    """What happens to one call."""

    call: Call
    action: Action
    converter: Converter | None
    #: why converters declined, this call's and those of the call that it came of, or why there is none; of a call in
    #: PyTorch also why it is there
    reasons: tuple[str, ...]
    #: the packs whose converters of the same target are not reached
    overrides: tuple[str, ...] = ()
    #: of a call that runs subprograms, their planned calls by the subprogram's name
    bodies: Mapping[str, tuple[PlannedCall, ...]] = field(default_factory=dict)
    #: of a call of a subprogram the call that runs it and the subprogram, ``cond/true_graph_0/``
    inside: str = ""

    @property
    def id(self) -> str:
        """The name, which no other call of the plan has: ``cond/true_graph_0/add`` in a subprogram."""
        return self.inside + self.call.name

    def in_torch(self, reason: str = "") -> PlannedCall:
        """The same call, which PyTorch runs with all that it runs itself."""
        reasons = tuple(dict.fromkeys((*self.reasons, reason))) if reason else self.reasons
        bodies = {name: tuple(inner.in_torch() for inner in body) for name, body in self.bodies.items()}
        return dataclasses.replace(self, action="torch", converter=None, reasons=reasons, overrides=(), bodies=bodies)

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-able values."""
        call, converter = self.call, self.converter
        return {
            "name": call.name,
            "id": self.id,
            "target": call.target.name,
            "level": call.target.level,
            "action": self.action,
            "pack": str(converter.pack) if converter else None,
            "converter": converter.name if converter else None,
            "converter_source": converter.location if converter else None,
            "arguments": call.describe_arguments(),
            "takes": list(dict.fromkeys(ref.name for ref in call.refs if ref.kind != "constant")),
            "results": [describe(value) for value in call.results],
            "module": call.module_path,
            "module_type": call.module_type,
            "source": call.source,
            "narrowed": call.narrowed,
            "kept": call.kept,
            "reasons": list(self.reasons),
            "overrides": list(self.overrides),
        }


def plan_calls(program: Program, packs: Packs, random: Random | None, inside: str = "") -> tuple[PlannedCall, ...]:
    """Decide for every call of ``program``, which may be run inside of a call, what happens to it."""
    folded: set[str] = set()
    planned = []
    for call in program.calls:
        if folds(call, lambda ref: _is_constant(ref, folded), packs):
            folded.add(call.name)
            planned.append(PlannedCall(call, "fold", None, (), inside=inside))
            continue
        choice = choose(call, packs)
        reasons = tuple(dict.fromkeys((*call.declined, *choice.declined)))
        within = f"{inside}{call.name}/"
        bodies = {body.name: plan_calls(body, packs, random, f"{within}{body.name}/") for body in subprograms_of(call)}
        if reason := _why_unsupported_tensors(call, program) or _why_not_drawn(call, random):
            planned.append(PlannedCall(call, "unsupported", None, (*reasons, reason), (), bodies, inside))
        elif choice.converter is not None:
            planned.append(PlannedCall(call, "convert", choice.converter, reasons, choice.overrides, bodies, inside))
        else:
            if not choice.declined:
                reasons = (*reasons, f"no loaded pack has a converter of {call.target.name}")
            planned.append(PlannedCall(call, "unsupported", None, reasons, (), bodies, inside))
    return tuple(planned)


def walk(calls: Iterable[PlannedCall]) -> Iterator[PlannedCall]:
    """The calls, each followed by those of its subprograms."""
    for planned in calls:
        yield planned
        for body in planned.bodies.values():
            yield from walk(body)


def _why_not_drawn(call: Call, random: Random | None) -> str | None:
    """Why nothing may draw the random numbers of a call, with the cure."""
    if not draws(call):
        return None
    if call.target.name != _BRANCHES and any(subprograms_of(call)):
        return "every step of a loop would draw the same random numbers; draw them outside and pass them in"
    return why_forbidden(call, random)


def why_forbidden(call: Call, random: Random | None) -> str | None:
    """Why neither an engine nor PyTorch may draw the random numbers of a call, as the user has set it."""
    if random == "engine" or not draws(call):
        return None
    if random == "refuse":
        return "it draws random numbers, which random='refuse' forbids; make them outside and pass them in"
    if {"train", "training"} & call.named_arguments().keys():
        return "it is random in training mode; call model.eval(), or ask for random numbers with random='engine'"
    return None


def _is_constant(ref: Ref, folded: set[str]) -> bool:
    return ref.kind == "constant" or (ref.kind == "call" and ref.name in folded)


def _why_unsupported_tensors(call: Call, program: Program) -> str | None:
    for name in (ref.name for ref in call.refs if ref.kind == "input"):
        dtype = getattr(program.inputs[name], "dtype", None)  # a size has none
        if dtype is not None and (reason := why_unsupported(dtype)):
            return f"input {name!r}: {reason}"
    for value in pytree.tree_leaves((call.args, call.kwargs)):
        if isinstance(value, torch.Tensor) and value.is_complex():
            return why_unsupported(value.dtype)
    for index, value in enumerate(call.results):
        if not isinstance(value, torch.Tensor) or not call.uses(index):
            continue
        if reason := why_unsupported(value.dtype):
            return reason
        if value.dim() > MAX_RANK:
            return f"TensorRT's tensors have at most {MAX_RANK} dimensions, this one has {value.dim()}"
    return None
