"""Engines, and what PyTorch runs between them, as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from .capturing import Tensors
from .graphs import Graphs, graph_of
from .hybrid import HybridRunner
from .lanes import Lanes
from .parts import EnginePart, Hybrid

#: runs the parts
Run = Callable[[Tensors], dict[str, torch.Tensor]]


def may_be_captured(hybrid: Hybrid) -> bool:
    """Whether nothing between the inputs and the outputs waits for the GPU, as far as that is known.

    A capture that fails would leave PyTorch's allocator in a state of which it says nothing.
    """
    return not any(
        bool(part.numbers) or part.streams or any(spec.values for spec in part.inputs.values())
        if isinstance(part, EnginePart)
        else part.waits
        for part in hybrid.parts
    )


class WholeGraph:
    """A runner of several parts that runs as a CUDA graph for shapes that come back.

    Args:
        runner: runs the parts; no graphs of their own.
        static: whether the inputs have one shape only.
        writes: the inputs that are buffers of the module's, with the outputs that are their new values.
    """

    def __init__(self, runner: HybridRunner, static: bool, writes: Mapping[str, str] | None = None) -> None:
        self.kind = runner.kind
        self._runner, self._static, self._writes = runner, static, writes or {}
        self._lanes: dict[int, Lanes[Graphs]] = {}

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name, new tensors."""
        return self._run(self._runner, tensors, {})

    def in_place(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name; the module's buffers are written where they are, and are outputs themselves."""
        return self._run(self._runner.in_place, tensors, {name: tensors[name] for name in self._writes})

    def _run(self, run: Run, tensors: Tensors, own: Tensors) -> dict[str, torch.Tensor]:
        """The outputs; a graph has the addresses of the tensors that are its ``own``, and moves all others."""
        device = next(iter(tensors.values())).device if tensors else torch.device("cpu")
        alike = all(tensor.device == device for tensor in tensors.values())
        if device.type != "cuda" or not alike or torch.cuda.is_current_stream_capturing():
            return run(tensors)
        lanes = self._lanes.get(device.index)
        if lanes is None:
            lanes = self._lanes.setdefault(device.index, Lanes(device.index, lambda: Graphs(self._static)))
        graphs: Any = lanes.current()
        shapes = () if self._static else tuple(tensor.shape for tensor in tensors.values())
        addresses = tuple(tensor.data_ptr() for tensor in own.values())
        graph = graphs((*shapes, *addresses), lambda beside: self._capture(run, tensors, own, device, beside))
        found = None if graph is None else graph({name: one for name, one in tensors.items() if name not in own})
        return run(tensors) if found is None else {**found, **{self._writes[name]: one for name, one in own.items()}}

    def _capture(self, run: Run, tensors: Tensors, own: Tensors, device: torch.device, beside: Any) -> Any:
        # each engine is queued by what it has for its last call, which has to be one of this stream; and inductor
        # compiles for tensors of inference mode apart, which those of a capture are not
        with torch.inference_mode(False):
            self._runner({name: tensor.detach().clone() for name, tensor in tensors.items()})
        moved = {name: tensor for name, tensor in tensors.items() if name not in own}
        written = {self._writes[name] for name in own}

        def enqueue(given: Tensors) -> Tensors:
            outputs = run({**given, **own})
            return {name: tensor for name, tensor in outputs.items() if name not in written}

        return graph_of(enqueue, moved, device, beside)
