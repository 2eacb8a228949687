"""What a module of several segments is made of: engines, and calls that PyTorch runs between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..packs.brought import Brought
from ..program.call import Call, Ref
from ..program.evaluate import Step, results_of
from ..program.leaves import TensorSpec
from ..program.program import Program
from .engine import Engine
from .reference import ReferenceRunner

#: values of a program, by the names that its calls have for them
Values = dict[Ref, Any]
#: the places of values in a list, which a call reads sooner than it hashes a name
Slots = Mapping[Ref, int]


@dataclass(frozen=True, eq=False)
class EnginePart:
    """A segment that an engine runs, or the interpreter where none can."""

    inputs: Mapping[Ref, TensorSpec]
    outputs: Sequence[tuple[Ref, str]]
    #: the outputs that are Python's numbers between segments
    numbers: frozenset[str]
    engine: Engine | None
    reference: ReferenceRunner | None

    @property
    def streams(self) -> bool:
        """Whether its engine may bring weights to the GPU when it runs."""
        return self.engine is not None and self.engine.setting("weight_streaming") is not None


@dataclass(frozen=True, eq=False)
class TorchPart:
    """A segment that PyTorch runs."""

    calls: Sequence[Call]
    outputs: Sequence[Ref]
    #: what packs know of those that are no operators of PyTorch, by the names of their targets
    brought: Mapping[str, Brought] = field(default_factory=dict)
    #: the calls as plans show them, with the reasons why they are here
    rows: Sequence[Mapping[str, Any]] = ()
    #: whether inductor makes kernels of them where it can
    compiled: bool = False
    #: whether a call may wait for the GPU, which a CUDA graph cannot have
    waits: bool = False

    @property
    def taken(self) -> list[Ref]:
        """The values that its calls take from outside of it, constants among them."""
        own = {call.name for call in self.calls}
        refs = (ref for call in self.calls for ref in call.refs)
        return list(dict.fromkeys(ref for ref in refs if ref.kind != "call" or ref.name not in own))

    def __str__(self) -> str:
        """``3 calls, compiled by inductor``."""
        return f"{len(self.calls)} calls" + (", compiled by inductor" if self.compiled else "")


@dataclass(frozen=True, eq=False)
class Hybrid:
    """The parts in the order in which they run, and what is there beside their results."""

    parts: Sequence[EnginePart | TorchPart]
    #: what the program returns, by the names of the outputs; what is no :class:`Ref` stands for itself
    outputs: Mapping[str, Any]
    #: the parameters and constants of the calls in PyTorch, the module's own
    constants: Mapping[Ref, Any]
    #: where the program was traced
    device: torch.device


def own_constants(
    calls: Iterable[Call],
    folded: Collection[str],
    constants: Mapping[str, torch.Tensor],
    outputs: Iterable[Any],
    device: torch.device,
) -> Values:
    """Copies of the constants that PyTorch needs when it runs calls, and what it makes of constants alone.

    Args:
        calls: in order; more may be among them twice.
        folded: the names of those that only constants go into, which are computed now.
        constants: the model's own tensors.
        outputs: what the program returns.
        device: where the program was traced, and its constants are.
    """
    known: Values = {Ref("constant", name): tensor.detach() for name, tensor in constants.items()}
    needed = {output for output in outputs if isinstance(output, Ref)}
    with torch.no_grad():
        for call in calls:
            if call.name not in folded:
                needed |= {*call.refs}
            elif Ref("call", call.name, 0) not in known:
                known |= results_of(call, Step(call, device)(known.__getitem__))
    return {
        ref: value.clone() if isinstance(value, torch.Tensor) else value
        for ref, value in known.items()
        if ref in needed
    }


def owning(call: Call) -> Call:
    """A call with copies of the constants of the programs that it runs, which are the model's own tensors."""

    def own(operand: Any) -> Any:
        if not isinstance(operand, Program):
            return operand
        constants = {name: tensor.detach().clone() for name, tensor in operand.constants.items()}
        return replace(operand, constants=constants, calls=tuple(map(owning, operand.calls)))

    return replace(call, operands=pytree.tree_map(own, call.operands))
