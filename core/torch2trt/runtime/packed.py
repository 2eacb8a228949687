"""Engines and calls of PyTorch as one file holds them, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from ..errors import EngineError
from ..packs.brought import finder
from ..program.call import Ref
from ..program.leaves import TensorSpec, why_no_inputs
from ..program.signature import Signature
from .engine import engine_of
from .parts import EnginePart, Hybrid, TorchPart
from .read_calls import CallReader
from .tensors import TensorTable, read_tensors
from .torch_run import may_be_compiled
from .written import Writer

if TYPE_CHECKING:
    from ..packs.loading import Packs

#: the member with the tensors of calls in PyTorch
TENSORS: Final = "tensors"
#: what an output may be that is no value of the program
_NUMBERS: Final = (bool, int, float)


@dataclass(frozen=True)
class Packed:
    """A module of several segments, for a file."""

    #: what the manifest says of it
    described: dict[str, Any]
    #: the serialized engines and the tensors, by the names of their members
    members: Mapping[str, bytes | TensorTable]

    def to_dict(self) -> dict[str, Any]:
        """What a manifest says of the module."""
        return self.described


def packed(hybrid: Hybrid) -> Packed:
    """A module of several segments, for a file; :class:`EngineError` says what none can hold, where it is, and why."""
    engines = [part for part in hybrid.parts if isinstance(part, EnginePart)]
    in_torch = [part for part in hybrid.parts if isinstance(part, TorchPart)]
    tensors = TensorTable()
    writer = Writer(tensors, {name: known for part in in_torch for name, known in part.brought.items()})
    try:
        described = {
            "device": str(hybrid.device),
            "segments": [_kind(part) for part in hybrid.parts],
            "engines": [_engine_part(part, writer) for part in engines],
            "torch": [_torch_part(part, writer) for part in in_torch],
            "outputs": [[name, writer.value(value)] for name, value in hybrid.outputs.items()],
            "constants": [[writer.value(ref), writer.value(value)] for ref, value in hybrid.constants.items()],
        }
    except ValueError as error:
        raise EngineError(f"the converted module cannot be saved: {error}") from error
    serialized = {_member(number): part.engine.serialized for number, part in enumerate(engines) if part.engine}
    return Packed({**described, "tensors": tensors.to_dict()}, {**serialized, TENSORS: tensors})


def _kind(part: EnginePart | TorchPart) -> str:
    if isinstance(part, EnginePart):
        return "engine"
    return "inductor" if part.compiled else "torch"


def _engine_part(part: EnginePart, writer: Writer) -> dict[str, Any]:
    if part.engine is None:
        raise EngineError("there is no engine to save; convert with build=True")
    return {
        "inputs": [[writer.value(ref), asdict(spec)] for ref, spec in part.inputs.items()],
        "outputs": [[writer.value(ref), name] for ref, name in part.outputs],
        "numbers": sorted(part.numbers),
        "engine": part.engine.to_dict(),
    }


def _torch_part(part: TorchPart, writer: Writer) -> dict[str, Any]:
    outputs = [writer.value(ref) for ref in part.outputs]
    return {
        "program": [writer.call(call) for call in part.calls],
        "outputs": outputs,
        "calls": list(part.rows),
        "waits": part.waits,
    }


def hybrid_of(
    described: Mapping[str, Any], members: Mapping[str, bytes], signature: Signature, where: str, packs: Packs | None
) -> Hybrid:
    """The module that :func:`packed` described.

    Args:
        described: what a manifest that was checked says of it.
        members: the serialized engines and the tensors.
        signature: its calling convention.
        where: what all that was read from, for errors.
        packs: who knows functions that it calls, and plugins of its engines; by default the installed packs.

    Raises:
        EngineError: it is damaged, was edited, or needs something that is not here.
    """
    if members.keys() != {TENSORS, *map(_member, range(len(described["engines"])))}:
        raise EngineError(f"{where} has other members than its manifest says; save it again")
    try:
        return _Unpacking(described, members, signature, where, packs).hybrid()
    except EngineError:
        raise
    except Exception as error:  # of anything that somebody may have made up
        raise EngineError(f"{where} has calls that cannot be used: {type(error).__name__}: {error}") from error


class _Unpacking:
    """Reading one hybrid, whose values become known part by part."""

    def __init__(
        self, described: Mapping[str, Any], members: Mapping[str, bytes], signature: Signature, where: str, packs: Any
    ) -> None:
        self._described, self._members, self._signature = described, members, signature
        self._where, self._packs = where, packs
        known = {Ref("input", spec.name) for spec in signature.inputs}
        tensors = read_tensors(described["tensors"], members[TENSORS])
        self._reader = CallReader(tensors, finder(packs, where), known)

    def hybrid(self) -> Hybrid:
        described, reader = self._described, self._reader
        constants = {reader.new_ref(ref): reader.value(value) for ref, value in described["constants"]}
        parts = list(self._parts(described["segments"]))
        outputs = {name: reader.value(value) for name, value in described["outputs"]}
        if list(outputs) != list(dict.fromkeys(self._signature.outputs)) or len(outputs) != len(described["outputs"]):
            raise ValueError("its outputs are not those of its signature")
        if not all(isinstance(value, Ref) or type(value) in _NUMBERS for value in outputs.values()):
            raise ValueError("an output is neither a value of the program nor a number")
        return Hybrid(parts, outputs, constants, torch.device(described["device"]))

    def _parts(self, kinds: Sequence[str]) -> Iterator[EnginePart | TorchPart]:
        engines, torch_parts = self._described["engines"], self._described["torch"]
        in_torch = [kind for kind in kinds if kind != "engine"]
        counts = len(kinds) - len(in_torch), len(in_torch)
        if not {*in_torch} <= {"torch", "inductor"} or counts != (len(engines), len(torch_parts)):
            raise ValueError("its segments are not those that it lists")
        numbered, torch_rows = enumerate(engines), iter(torch_parts)
        for kind in kinds:
            yield self._engine(*next(numbered)) if kind == "engine" else self._torch(next(torch_rows), kind)

    def _engine(self, number: int, part: Mapping[str, Any]) -> EnginePart:
        reader = self._reader
        engine = engine_of(part["engine"], self._members[_member(number)], self._where, self._packs)
        inputs = {reader.ref(ref): TensorSpec.from_dict(spec) for ref, spec in part["inputs"]}
        if reason := why_no_inputs(list(inputs.values())):
            raise ValueError(reason)
        outputs = [(reader.new_ref(ref), name) for ref, name in part["outputs"]]
        names = [name for _, name in outputs]
        if len({spec.name for spec in inputs.values()}) != len(part["inputs"]) or len(set(names)) != len(names):
            raise ValueError("two tensors of an engine have one name")
        if not set(part["numbers"]) <= set(names):
            raise ValueError("an engine gives numbers that it has not")
        return EnginePart(inputs, outputs, frozenset(part["numbers"]), engine, None)

    def _torch(self, part: Mapping[str, Any], kind: str) -> TorchPart:
        reader = self._reader
        calls = [reader.call(call) for call in part["program"]]
        if kind == "inductor" and not may_be_compiled(calls):
            raise ValueError("inductor compiles a segment that it cannot")
        outputs = [reader.ref(ref) for ref in part["outputs"]]
        return TorchPart(calls, outputs, dict(reader.brought), part["calls"], kind == "inductor", part["waits"])


def _member(number: int) -> str:
    return f"engine.{number}"
