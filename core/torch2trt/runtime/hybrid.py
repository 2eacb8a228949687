"""Running a program in segments, one after the other.

Tensors go from one to the next as they are, sizes as Python's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch

from ..errors import InputError
from ..program.call import Call, Ref
from ..program.leaves import TensorSpec
from ..program.memory import storage_of
from ..program.straight import fitting
from .parts import EnginePart, Hybrid, TorchPart, Values
from .runner import Runner
from .torch_run import TorchRun


class HybridRunner:
    """Engines, and what PyTorch runs between them: where the inputs are, on the current stream, as engines do.

    Args:
        hybrid: the parts.
        runner_of: makes what runs the engine of a part.
    """

    def __init__(self, hybrid: Hybrid, runner_of: Callable[[EnginePart], Runner]) -> None:
        self._hybrid = hybrid
        runners = {id(part): runner_of(part) for part in hybrid.parts if isinstance(part, EnginePart)}
        #: what runs its engines; ``"torch"`` where it has none
        self.kind = next((runner.kind for runner in runners.values()), "torch")
        self._engines = {number: _EngineRun(part, runners[id(part)]) for number, part in _engines(hybrid)}
        self._unused = _unused(hybrid)
        self._on_device: dict[torch.device, _OnDevice] = {}

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name, new tensors."""
        device = _device(tensors, self._hybrid.device)
        prepared = self._on_device.get(device)
        if prepared is None:
            prepared = self._on_device[device] = _OnDevice(self._hybrid, device)
        values: Values = {Ref("input", name): tensor for name, tensor in tensors.items()} | prepared.returned
        with torch.no_grad():
            for number, unused in enumerate(self._unused):
                run = self._engines.get(number) or prepared.runs[number]
                run(values)
                for ref in unused:
                    values.pop(ref, None)
            return dict(self._outputs(values, {*map(storage_of, tensors.values())} | prepared.storages))

    def _outputs(self, values: Values, taken: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
        """What is returned, in memory that nothing else has: inputs and state may be written, and users write too."""
        for name, output in self._hybrid.outputs.items():
            tensor = torch.as_tensor(values[output] if isinstance(output, Ref) else output)
            if storage_of(tensor) in taken:
                tensor = tensor.clone()
            taken.add(storage_of(tensor))
            yield name, tensor


class _EngineRun:
    """The engine of one part."""

    def __init__(self, part: EnginePart, runner: Runner) -> None:
        self._part, self._runner = part, runner
        self._inputs = [
            (ref, spec, fitting(getattr(torch, spec.dtype), spec.ranges)) for ref, spec in part.inputs.items()
        ]

    def __call__(self, values: Values) -> None:
        given = {}
        for ref, spec, fits in self._inputs:
            given[spec.name] = tensor = torch.as_tensor(values[ref])
            # what came from outside was checked there
            if ref.kind == "call" and (spec.values or not fits(tensor)):
                _check(spec, tensor)
        outputs = self._runner(given)
        for ref, name in self._part.outputs:
            values[ref] = int(outputs[name]) if name in self._part.numbers else outputs[name]


class _OnDevice:
    """What PyTorch runs, with its constants on one device."""

    def __init__(self, hybrid: Hybrid, device: torch.device) -> None:
        constants = {
            ref: value.to(device) if isinstance(value, torch.Tensor) else value
            for ref, value in hybrid.constants.items()
        }
        self.runs = {
            number: TorchRun(part, hybrid, device, constants)
            for number, part in enumerate(hybrid.parts)
            if isinstance(part, TorchPart)
        }
        #: the constants that the program returns
        self.returned = {ref: constants[ref] for ref in hybrid.outputs.values() if ref in constants}
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


def _unused(hybrid: Hybrid) -> list[list[Ref]]:
    """After each part the values that no later one takes."""
    last: dict[Ref, int] = {}
    for number, part in enumerate(hybrid.parts):
        taken: Sequence[Ref] = list(part.inputs) if isinstance(part, EnginePart) else [*_taken(part.calls)]
        made = [ref for ref, _ in part.outputs] if isinstance(part, EnginePart) else part.outputs
        last.update(dict.fromkeys([*taken, *made], number))
    kept = {output for output in hybrid.outputs.values() if isinstance(output, Ref)}
    return [
        [ref for ref, at in last.items() if at == number and ref not in kept] for number in range(len(hybrid.parts))
    ]


def _taken(calls: Sequence[Call]) -> Iterator[Ref]:
    return (ref for call in calls for ref in call.refs)
