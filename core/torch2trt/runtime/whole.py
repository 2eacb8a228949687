"""Engines, and what PyTorch runs between them, as one CUDA graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .graphs import Graphs, graph_of
from .hybrid import HybridRunner
from .lanes import Lanes
from .parts import EnginePart, Hybrid


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
    """

    def __init__(self, runner: HybridRunner, static: bool) -> None:
        self.kind = runner.kind
        self._runner, self._static = runner, static
        self._lanes: dict[int, Lanes[Graphs]] = {}

    def __call__(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The outputs by name, new tensors."""
        device = next(iter(tensors.values())).device if tensors else torch.device("cpu")
        alike = all(tensor.device == device for tensor in tensors.values())
        if device.type != "cuda" or not alike or torch.cuda.is_current_stream_capturing():
            return self._runner(tensors)
        lanes = self._lanes.get(device.index)
        if lanes is None:
            lanes = self._lanes.setdefault(device.index, Lanes(device.index, lambda: Graphs(self._static)))
        graphs: Any = lanes.current()
        shapes = () if self._static else tuple(tensor.shape for tensor in tensors.values())
        graph = graphs(shapes, lambda beside: self._capture(tensors, device, beside))
        found: dict[str, torch.Tensor] | None = None if graph is None else graph(tensors)
        return self._runner(tensors) if found is None else found

    def _capture(self, tensors: Mapping[str, torch.Tensor], device: torch.device, beside: Any) -> Any:
        # each engine is queued by what it has for its last call, which has to be one of this stream; and inductor
        # compiles for tensors of inference mode apart, which those of a capture are not
        with torch.inference_mode(False):
            self._runner({name: tensor.detach().clone() for name, tensor in tensors.items()})
        return graph_of(self._runner, tensors, device, beside)
