"""The captured program: calls in order, with the names of everything that flows between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .call import Call, Ref, describe
from .signature import Signature

#: arguments that are 0 or False where an operator that can draw random numbers does not
_DRAWS: Final = ("dropout_p", "p", "dropout", "train", "training")


@dataclass(frozen=True, eq=False)
class Program:
    """A functional program without views or in-place operators; it prints, compares and dumps as JSON."""

    #: "" for the model itself; of a subprogram, how the call names it
    name: str
    #: the runtime inputs in order: name to example value (a FakeTensor or SymInt)
    inputs: Mapping[str, Any]
    #: parameters, buffers and constants under their own names; the model's own tensors, not copies
    constants: Mapping[str, torch.Tensor]
    #: in an order in which each uses earlier ones only
    calls: tuple[Call, ...]
    #: what it returns: values of the program, or Python constants
    outputs: tuple[Any, ...]
    #: how users call it; None for a subprogram
    signature: Signature | None = None
    #: whether it returns its only output by itself, as the condition of a loop does
    single: bool = False
    #: the buffers that it writes, which are inputs: the model's own tensors, by the names of the inputs
    state: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def buffers(self) -> list[torch.Tensor]:
        """The model's own tensors of the signature's state, in its order."""
        return [self.state[buffer.name] for buffer in self.signature.state] if self.signature else []

    @property
    def named_outputs(self) -> dict[str, Any]:
        """What the program returns, by the engine's names; what is returned twice is there once."""
        return dict(zip(self.signature.outputs, self.outputs, strict=True)) if self.signature else {}

    def example_value(self, ref: Ref) -> Any:
        """The FakeTensor, SymInt or constant that ``ref`` stands for."""
        if ref.kind == "input":
            return self.inputs[ref.name]
        if ref.kind == "constant":
            return self.constants[ref.name]
        call = next(call for call in self.calls if call.name == ref.name)
        return call.result if ref.index is None else call.results[ref.index]

    def to_dict(self) -> dict[str, Any]:
        """The program as JSON-able values; constants by dtype and shape."""
        return {
            "name": self.name,
            "inputs": {name: describe(value) for name, value in self.inputs.items()},
            "constants": {name: describe(value) for name, value in self.constants.items()},
            "calls": [call.to_dict() for call in self.calls],
            "outputs": [str(output) for output in self.outputs],
            "signature": self.signature.to_dict() if self.signature else None,
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=1)

    def __eq__(self, other: object) -> bool:
        """Whether both compute the same in the same way: equal calls, constants and state."""
        if not isinstance(other, Program):
            return NotImplemented
        own, others = {**self.state, **self.constants}, {**other.state, **other.constants}
        return self.to_dict() == other.to_dict() and all(torch.equal(own[name], others[name]) for name in own)

    __hash__ = None  # type: ignore[assignment]  # equal programs are equal by their contents, which are tensors too

    def __str__(self) -> str:
        """One line a call, after the name and the inputs."""
        inputs = ", ".join(f"%{name}: {describe(value)}" for name, value in self.inputs.items())
        lines = [f"program {self.name or '(model)'}", f"  inputs {inputs}"]
        for call in self.calls:
            lines.append(f"  {call}    # {call.where}")
            for body in subprograms_of(call):
                lines += [f"    {line}" for line in str(body).splitlines()]
        lines.append(f"  return {', '.join(map(str, self.outputs))}")
        return "\n".join(lines)


def draws(call: Call) -> bool:
    """Whether a call draws random numbers, here or in a program that it runs."""
    if any(draws(inner) for body in subprograms_of(call) for inner in body.calls):
        return True
    overload = call.target.overload
    if overload is None or torch.Tag.nondeterministic_seeded not in overload.tags:
        return False
    told = [value for name, value in call.named_arguments().items() if name in _DRAWS]
    return all(isinstance(value, torch.Tensor) or value for value in told)


def subprograms_of(call: Call) -> Iterator[Program]:
    """The programs among a call's operands."""
    return (operand for operand in pytree.tree_leaves(call.operands) if isinstance(operand, Program))
