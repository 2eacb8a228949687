"""``Interpreter(network)(inputs)`` and the one-shot ``run(network, inputs)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .errors import InterpreterError
from .execute import execute
from .network import Value
from .plan import make_plan


def run(network: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Evaluate a ``trt.INetworkDefinition`` once; see :class:`Interpreter`."""
    return Interpreter(network)(inputs)


class Interpreter:
    """A ``trt.INetworkDefinition`` prepared once and evaluated often, with TensorRT's documented semantics.

    A call takes the network's inputs by name, with their dtypes and ranks, on one device (shape inputs may be on the
    CPU), and returns its outputs by name on that device.  Results never share memory with inputs, weights or each
    other.  Intermediates are released after their last use; constants are placed once on each device.

    Weights are not copied on the CPU: the interpreter holds the network, and whoever built the network keeps alive
    what he handed to TensorRT by pointer.  Layers must not be added or changed afterwards.

    Raises:
        UnsupportedLayerError: a layer or a setting has no evaluator; the message names layer, type and metadata.
        InterpreterError: inputs that do not fit, or a layer that cannot be evaluated with the values it gets.
    """

    def __init__(self, network: Any) -> None:
        self._network = network  # weights point into it
        self._plan = make_plan(network)
        self._templates: dict[torch.device, tuple[list[Any], frozenset[int]]] = {}

    def __call__(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Evaluate the network on ``{name: tensor}``."""
        device = self._check(inputs)
        template, held = self._template(device)
        slots = template.copy()
        for value, slot in self._plan.inputs:
            slots[slot] = inputs[value.name]
        with torch.no_grad():
            execute(self._plan.steps, slots, device)
            return self._results(slots, held, device)

    def _check(self, inputs: Mapping[str, torch.Tensor]) -> torch.device:
        """The device of the inputs; an error where an input does not fit."""
        wanted = [value for value, _ in self._plan.inputs]
        names = {value.name for value in wanted}
        if names != set(inputs):
            raise InterpreterError(f"the network's inputs are {sorted(names)}, got {sorted(inputs)}")
        wrong = [said for value in wanted if (said := _misfit(value, inputs[value.name]))]
        if wrong:
            raise InterpreterError("inputs do not fit the network: " + "; ".join(wrong))
        devices = {inputs[value.name].device for value in wanted if not value.host}
        if len(devices) > 1:
            raise InterpreterError(f"inputs are on several devices: {', '.join(sorted(map(str, devices)))}")
        if not devices:
            devices = {inputs[value.name].device for value in wanted[:1]}
        return devices.pop() if devices else torch.device("cpu")

    def _template(self, device: torch.device) -> tuple[list[Any], frozenset[int]]:
        """The slots with constants filled in, placed once a device, and where those constants lie."""
        known = self._templates.get(device)
        if known is None:
            template: list[Any] = [None] * self._plan.num_slots
            for slot, value in self._plan.constants.items():
                stays = not isinstance(value, torch.Tensor) or slot in self._plan.host_constants
                template[slot] = value if stays else value.to(device)
            held = frozenset(_storage(value) for value in template if isinstance(value, torch.Tensor))
            known = self._templates[device] = (template, held)
        return known

    def _results(self, slots: list[Any], held: frozenset[int], device: torch.device) -> dict[str, torch.Tensor]:
        taken = {_storage(slots[slot]) for _, slot in self._plan.inputs}
        results = {}
        for value, slot in self._plan.outputs:
            tensor = slots[slot].to(device)
            if _storage(tensor) in held or _storage(tensor) in taken:
                tensor = tensor.clone()
            taken.add(_storage(tensor))
            results[value.name] = tensor
        return results


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _misfit(value: Value, tensor: Any) -> str | None:
    """What is wrong with an input, or None."""
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
