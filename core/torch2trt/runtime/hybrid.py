"""Running a program in segments, one after the other.

Tensors go from one to the next as they are, sizes as Python's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from ..errors import InputError
from ..program.call import Ref
from ..program.leaves import TensorSpec
from ..program.memory import storage_of
from ..program.straight import fitting
from .parts import EnginePart, Hybrid, Slots, TorchPart
from .runner import Runner
from .torch_run import TorchRun, written_inside


class HybridRunner:
    """Engines, and what PyTorch runs between them: where the inputs are, on the current stream, as engines do.

    Args:
        hybrid: the parts.
        runner_of: makes what runs the engine of a part.
        writes: the inputs that are buffers of the module's, with the outputs that are their new values.
    """

    def __init__(
        self, hybrid: Hybrid, runner_of: Callable[[EnginePart], Runner], writes: Mapping[str, str] | None = None
    ) -> None:
        self._hybrid, self._writes = hybrid, writes or {}
        #: those that what PyTorch runs writes itself
        self._inside = written_inside(hybrid, self._writes)
        self._slots = _slots(hybrid)
        self._inputs = [(ref.name, slot) for ref, slot in self._slots.items() if ref.kind == "input"]
        runners = {number: runner_of(part) for number, part in _engines(hybrid)}
        #: what runs its engines; ``"torch"`` where it has none
        self.kind = next((runner.kind for runner in runners.values()), "torch")
        self._engines = {number: _EngineRun(part, runners[number], self._slots) for number, part in _engines(hybrid)}
        self._unused = [[self._slots[ref] for ref in refs] for refs in _unused(hybrid)]
        self._on_device: dict[torch.device, _OnDevice] = {}

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name, new tensors."""
        return self._run({**tensors, **{ref.name: tensors[ref.name].clone() for ref in self._inside.values()}})

    def in_place(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name; the module's buffers are written where they are, and are outputs themselves."""
        outputs = self._run(tensors)
        for name, output in self._writes.items():
            outputs[output] = tensors[name].copy_(outputs[output])
        return outputs

    def _run(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        device = _device(tensors, self._hybrid.device)
        prepared = self._on_device.get(device)
        if prepared is None:
            prepared = self._on_device[device] = _OnDevice(self._hybrid, device, self._slots, self._inside)
        values = list(prepared.values)
        for name, slot in self._inputs:
            values[slot] = tensors[name]
        with torch.no_grad():
            for number, unused in enumerate(self._unused):
                run = self._engines.get(number) or prepared.runs[number]
                run(values)
                for slot in unused:
                    values[slot] = None
            return dict(self._outputs(values, {*map(storage_of, tensors.values())} | prepared.storages))

    def _outputs(self, values: Sequence[Any], taken: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
        """What is returned, in memory that nothing else has: inputs and state may be written, and users write too."""
        for name, output in self._hybrid.outputs.items():
            tensor = torch.as_tensor(values[self._slots[output]] if isinstance(output, Ref) else output)
            if storage_of(tensor) in taken and output not in self._inside:
                tensor = tensor.clone()
            taken.add(storage_of(tensor))
            yield name, tensor


class _EngineRun:
    """The engine of one part."""

    def __init__(self, part: EnginePart, runner: Runner, slots: Slots) -> None:
        self._runner, self._numbers = runner, part.numbers
        # what came from outside was checked there
        self._inputs = [
            (slots[ref], spec, fitting(getattr(torch, spec.dtype), spec.ranges) if ref.kind == "call" else None)
            for ref, spec in part.inputs.items()
        ]
        self._outputs = [(slots[ref], name) for ref, name in part.outputs]

    def __call__(self, values: list[Any]) -> None:
        given = {}
        for slot, spec, fits in self._inputs:
            given[spec.name] = tensor = torch.as_tensor(values[slot])
            if fits is not None and (spec.values or not fits(tensor)):
                _check(spec, tensor)
        outputs = self._runner(given)
        for slot, name in self._outputs:
            values[slot] = int(outputs[name]) if name in self._numbers else outputs[name]


class _OnDevice:
    """What PyTorch runs, with its constants on one device."""

    def __init__(self, hybrid: Hybrid, device: torch.device, slots: Slots, inside: Mapping[Ref, Ref]) -> None:
        constants = {
            ref: value.to(device) if isinstance(value, torch.Tensor) else value
            for ref, value in hybrid.constants.items()
        }
        self.runs = {
            number: TorchRun(part, hybrid, device, constants, slots, inside)
            for number, part in enumerate(hybrid.parts)
            if isinstance(part, TorchPart)
        }
        #: what is known of all values before a call: the constants that the program returns
        self.values: list[Any] = [None] * len(slots)
        for ref in _returned(hybrid):
            if ref in constants:
                self.values[slots[ref]] = constants[ref]
        self.storages = {storage_of(value) for value in constants.values() if isinstance(value, torch.Tensor)}


def _engines(hybrid: Hybrid) -> Iterator[tuple[int, EnginePart]]:
    return ((number, part) for number, part in enumerate(hybrid.parts) if isinstance(part, EnginePart))


def _device(tensors: Mapping[str, torch.Tensor], traced: torch.device) -> torch.device:
    """Where the inputs are; whole numbers that are read from may be on the CPU beside others on a GPU."""
    devices = {tensor.device for tensor in tensors.values()}
    return next((device for device in devices if device.type != "cpu"), next(iter(devices), traced))


def _check(spec: TensorSpec, tensor: torch.Tensor) -> None:
    if reason := spec.why_not_a_tensor(tensor) or spec.why_not_in_range(tensor):
        raise InputError(f"{spec.name!r}, which the model computes of these inputs, {reason}")


def _slots(hybrid: Hybrid) -> Slots:
    """A place for every value that goes into a part or comes out of one, or is returned."""
    refs = [ref for part in hybrid.parts for ref in _refs(part)]
    return {ref: slot for slot, ref in enumerate(dict.fromkeys([*refs, *_returned(hybrid)]))}


def _unused(hybrid: Hybrid) -> list[list[Ref]]:
    """After each part the values that no later one takes."""
    last: dict[Ref, int] = {}
    for number, part in enumerate(hybrid.parts):
        last.update(dict.fromkeys(_refs(part), number))
    kept = set(_returned(hybrid))
    return [
        [ref for ref, at in last.items() if at == number and ref not in kept] for number in range(len(hybrid.parts))
    ]


def _refs(part: EnginePart | TorchPart) -> list[Ref]:
    """What a part takes and gives."""
    if isinstance(part, EnginePart):
        return [*part.inputs, *(ref for ref, _ in part.outputs)]
    return [*part.taken, *part.outputs]


def _returned(hybrid: Hybrid) -> list[Ref]:
    return [output for output in hybrid.outputs.values() if isinstance(output, Ref)]
