"""CUDA graphs of an engine: its many kernels as one launch, for shapes that come back.

Captured with PyTorch's own graphs rather than by TensorRT (``WHOLE_GRAPH_CAPTURE``), which captures again whenever an
address is another one: outputs are new tensors at every call.  docs/performance.md has the measurement.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch

from ..errors import EngineError
from .capturing import Captured, Tensors
from .moving import MovingGraph
from .streams import bindings

#: the sizes of all inputs
Shapes = tuple[torch.Size, ...]
#: how many shapes have a graph at a time, in each thread and stream
_SHAPES: Final = 8
#: the calls at which the graph of a shape is captured; where TensorRT for RTX compiles kernels for a dynamic shape in
#: the background while others run, what was captured early is captured again
_STATIC: Final = frozenset({2})
_DYNAMIC: Final = frozenset({3})
_CHANGING: Final = frozenset({3, 32, 512})


class Graph:
    """One captured call, with the memory of its inputs and outputs.

    Args:
        enqueue: queues the engine on PyTorch's current stream; gives the outputs.
        tensors: inputs of the shapes to capture.
        device: the GPU.
        beside: another graph of the same thread and stream.
    """

    def __init__(
        self,
        enqueue: Callable[[Tensors], Tensors],
        tensors: Tensors,
        device: torch.device,
        beside: Captured[Any] | None = None,
    ) -> None:
        with torch.inference_mode(False):
            self._inputs = [
                (name, torch.empty(tensor.shape, dtype=tensor.dtype, device=device)) for name, tensor in tensors.items()
            ]
        self.captured = Captured(lambda: enqueue(dict(self._inputs)), device, beside)

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        """Run it on PyTorch's current stream; the outputs are new tensors."""
        for name, own in self._inputs:
            given = tensors[name]
            # torch.no_grad() would take as long as a copy
            own.copy_(given.detach() if given.requires_grad else given, non_blocking=True)
        self.captured.graph.replay()
        return {name: output.clone() for name, output in self.captured.result.items()}


def graph_of(
    enqueue: Callable[[Tensors], Tensors],
    tensors: Tensors,
    device: torch.device,
    beside: Graph | MovingGraph | None = None,
) -> Graph | MovingGraph:
    """The graph of a call that takes the host least; the arguments are those of :class:`Graph`."""
    before = None if beside is None else beside.captured
    if bindings() is not None:
        try:
            return MovingGraph(enqueue, tensors, device, before)
        except RuntimeError:  # the other kind says whether it is the engine
            pass
    return Graph(enqueue, tensors, device, before)


@dataclass(slots=True)
class _Shape:
    calls: int = 0
    graph: Any = None
    fails: bool = False


class Graphs:
    """The graphs of one execution context, by the shapes that they are for.

    Args:
        static: whether the engine takes one shape only.
        changing: whether kernels of a shape are compiled while it is called.
    """

    def __init__(self, static: bool, changing: bool = False) -> None:
        self._captured_at = _STATIC if static else _CHANGING if changing else _DYNAMIC
        self._shapes: collections.OrderedDict[Shapes, _Shape] = collections.OrderedDict()

    def __call__(self, shapes: Shapes, capture: Callable[[Any], Any]) -> Any:
        """The graph for shapes; None where there is none yet, or cannot be one.

        Args:
            shapes: those of a call.
            capture: makes their graph, given another one if there is one.
        """
        shape = self._shapes.get(shapes)
        if shape is None:
            shape = self._shapes[shapes] = _Shape()
            if len(self._shapes) > _SHAPES:
                self._shapes.popitem(last=False)
        elif len(self._shapes) > 1:
            self._shapes.move_to_end(shapes)
        shape.calls += 1
        if (shape.calls in self._captured_at or _is_outgrown(shape.graph)) and not shape.fails:
            try:
                shape.graph = capture(next((other.graph for other in self._shapes.values() if other.graph), None))
            except (RuntimeError, EngineError):  # an engine that waits for the host, or too little memory
                shape.graph, shape.fails = None, True
        return shape.graph


def _is_outgrown(graph: Graph | MovingGraph | None) -> bool:
    """Whether there is a larger block for its scratch memory, so that its own is one too many."""
    block = None if graph is None else graph.captured.block
    return block is not None and block.outgrown
