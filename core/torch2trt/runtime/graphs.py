"""CUDA graphs of an engine: its many kernels as one launch, for shapes that come back.

Captured with PyTorch's own graphs rather than by TensorRT (``WHOLE_GRAPH_CAPTURE``), which captures again whenever an
address is another one: outputs are new tensors at every call.  docs/performance.md has the measurement.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from ..errors import EngineError

Tensors = Mapping[str, torch.Tensor]
#: the sizes of all inputs
Shapes = tuple[torch.Size, ...]
#: how many shapes have a graph at a time, in each thread and stream
_SHAPES: Final = 8
#: the calls at which the graph of a shape is captured: TensorRT for RTX compiles kernels for a dynamic shape in the
#: background while others run, so what was captured early is captured again
_STATIC: Final = frozenset({2})
_DYNAMIC: Final = frozenset({3, 32, 512})


class Graph:
    """One captured call, with the memory of its inputs and outputs.

    Args:
        enqueue: queues the engine on PyTorch's current stream; gives the outputs.
        tensors: inputs of the shapes to capture.
        device: the GPU.
        beside: a graph of the same thread and stream, whose pool of memory this one has too: a pool of its own would
            stay reserved when the graph is gone.
    """

    def __init__(
        self,
        enqueue: Callable[[Tensors], Tensors],
        tensors: Tensors,
        device: torch.device,
        beside: Graph | None = None,
    ) -> None:
        # buffers that were made in inference mode could not be written outside of it
        with torch.inference_mode(False), torch.no_grad():
            self._inputs = [
                (name, torch.empty(tensor.shape, dtype=tensor.dtype, device=device)) for name, tensor in tensors.items()
            ]
            current, stream = torch.cuda.current_stream(device), torch.cuda.Stream(device)
            stream.wait_stream(current)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.stream(stream):
                # not torch.cuda.graph(), which waits for the GPU and empties the allocator's cache
                self._graph.capture_begin(
                    None if beside is None else beside._graph.pool(), capture_error_mode="thread_local"
                )
                try:
                    self._outputs = list(enqueue(dict(self._inputs)).items())
                finally:
                    self._graph.capture_end()
            current.wait_stream(stream)

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        """Run it on PyTorch's current stream; the outputs are new tensors."""
        for name, own in self._inputs:
            given = tensors[name]
            # torch.no_grad() would take as long as a copy
            own.copy_(given.detach() if given.requires_grad else given, non_blocking=True)
        self._graph.replay()
        return {name: output.clone() for name, output in self._outputs}


@dataclass(slots=True)
class _Shape:
    calls: int = 0
    graph: Any = None
    fails: bool = False


class Graphs:
    """The graphs of one execution context, by the shapes that they are for.

    Args:
        static: whether the engine takes one shape only.
    """

    def __init__(self, static: bool) -> None:
        self._captured_at = _STATIC if static else _DYNAMIC
        self._shapes: collections.OrderedDict[Shapes, _Shape] = collections.OrderedDict()

    def __call__(self, shapes: Shapes, capture: Callable[[Graph | None], Graph]) -> Graph | None:
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
        if shape.calls in self._captured_at and not shape.fails:
            try:
                shape.graph = capture(next((other.graph for other in self._shapes.values() if other.graph), None))
            except (RuntimeError, EngineError):  # an engine that waits for the host, or too little memory
                shape.graph, shape.fails = None, True
        graph: Graph | None = shape.graph
        return graph
