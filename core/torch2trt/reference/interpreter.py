"""``Interpreter(network)(inputs)`` and the one-shot ``interpret(network, inputs)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .errors import InterpreterError
from .evaluate import evaluate
from .layers import Value
from .schedule import make_schedule


def interpret(network: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Evaluate a ``trt.INetworkDefinition`` once; see :class:`Interpreter`."""
    return Interpreter(network)(inputs)


class Interpreter:
    """A ``trt.INetworkDefinition``, prepared once and called many times, with TensorRT's documented semantics.

    A call takes the network's inputs by name, with their dtypes and ranks, on one device (shape inputs may be on the
    CPU), and returns its outputs by name on that device.  Results never share memory with inputs, weights or each
    other.  Intermediates are released after their last use; constants are copied to each device once.

    Weights are not copied on the CPU: the interpreter holds the network, and the caller keeps alive the memory that was
    passed to TensorRT by pointer.  Layers must not be added or changed afterwards.

    Raises:
        UnsupportedLayerError: a layer or a setting has no evaluator; the message names layer, type and metadata.
        InterpreterError: the inputs do not fit the network, or a layer cannot be evaluated with the values it gets.
    """

    def __init__(self, network: Any) -> None:
        self._network = network  # the weights point into its memory
        self._schedule = make_schedule(network)
        self._templates: dict[torch.device, tuple[list[Any], frozenset[int]]] = {}

    def __call__(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Evaluate the network on ``{name: tensor}``."""
        device = self._check(inputs)
        template, constants = self._template(device)
        slots = template.copy()
        for value, slot in self._schedule.inputs:
            slots[slot] = inputs[value.name]
        with torch.no_grad():
            evaluate(self._schedule.steps, slots, device)
            return self._results(slots, constants, device)

    def _check(self, inputs: Mapping[str, torch.Tensor]) -> torch.device:
        """The device of the inputs; an error if an input does not fit the network."""
        declared = [value for value, _ in self._schedule.inputs]
        names = {value.name for value in declared}
        if names != set(inputs):
            raise InterpreterError(f"the network's inputs are {sorted(names)}, got {sorted(inputs)}")
        problems = [problem for value in declared if (problem := _why_not_accepted(value, inputs[value.name]))]
        if problems:
            raise InterpreterError("inputs do not fit the network: " + "; ".join(problems))
        devices = {inputs[value.name].device for value in declared if not value.host}
        if len(devices) > 1:
            raise InterpreterError(f"inputs are on several devices: {', '.join(sorted(map(str, devices)))}")
        if not devices:
            devices = {inputs[value.name].device for value in declared[:1]}
        return devices.pop() if devices else torch.device("cpu")

    def _template(self, device: torch.device) -> tuple[list[Any], frozenset[int]]:
        """The slots with the constants of a device filled in, and the addresses of those constants."""
        known = self._templates.get(device)
        if known is None:
            template: list[Any] = [None] * self._schedule.num_slots
            for slot, value in self._schedule.constants.items():
                as_is = not isinstance(value, torch.Tensor) or slot in self._schedule.host_constants
                template[slot] = value if as_is else value.to(device)
            constants = frozenset(_address(value) for value in template if isinstance(value, torch.Tensor))
            known = self._templates[device] = (template, constants)
        return known

    def _results(self, slots: list[Any], constants: frozenset[int], device: torch.device) -> dict[str, torch.Tensor]:
        """The outputs by name, copied where they would share memory with a constant, an input or each other."""
        used = {_address(slots[slot]) for _, slot in self._schedule.inputs}
        results = {}
        for value, slot in self._schedule.outputs:
            tensor = slots[slot].to(device)
            if _address(tensor) in constants or _address(tensor) in used:
                tensor = tensor.clone()
            used.add(_address(tensor))
            results[value.name] = tensor
        return results


def _address(tensor: torch.Tensor) -> int:
    # of the storage, which views share
    return tensor.untyped_storage().data_ptr()


def _why_not_accepted(value: Value, tensor: Any) -> str | None:
    """Why an input does not fit the network, or None."""
    if not isinstance(tensor, torch.Tensor):
        return f"{value.name!r} must be a tensor, got {type(tensor).__name__}"
    if tensor.dtype != value.dtype:
        return f"{value.name!r} must have dtype {value.dtype}, got {tensor.dtype}"
    if value.shape is None:
        return None
    fits = len(value.shape) == tensor.dim() and all(
        want in (-1, got) for want, got in zip(value.shape, tensor.shape, strict=True)
    )
    return None if fits else f"{value.name!r} must have shape {list(value.shape)}, got {list(tensor.shape)}"
