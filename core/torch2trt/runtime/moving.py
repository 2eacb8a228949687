"""CUDA graphs that read inputs where they are and write outputs to new tensors, at each launch others.

The copies are nodes of the graph, and CUDA changes their addresses between launches.  The host launches once, where
each copy of its own would take it longer than that.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch

from .capturing import Captured, Tensors, dense
from .streams import bindings, checked, current_stream


class MovingGraph:
    """One captured call.

    Args:
        enqueue: queues the engine on PyTorch's current stream; gives the outputs.
        tensors: inputs of the shapes to capture.
        device: the GPU.
        beside: another graph of the same thread and stream.

    Raises:
        RuntimeError: the engine cannot be captured, or a copy is no node whose addresses can be changed.
    """

    def __init__(
        self,
        enqueue: Callable[[Tensors], Tensors],
        tensors: Tensors,
        device: torch.device,
        beside: Captured[Any] | None = None,
    ) -> None:
        self._cuda, self._device = bindings(), device.index
        given = {name: dense(tensor) for name, tensor in tensors.items()}

        def work() -> tuple[Tensors, Tensors, Tensors]:
            own = {name: torch.empty_like(tensor) for name, tensor in given.items()}
            for name, tensor in given.items():
                own[name].copy_(tensor, non_blocking=True)
            outputs = enqueue(own)
            # memory that is never written: each launch gives these copies another address
            made = {name: torch.empty_like(tensor) for name, tensor in outputs.items()}
            for name, tensor in outputs.items():
                made[name].copy_(tensor, non_blocking=True)
            return own, outputs, made

        self.captured = Captured(work, device, beside, keep_graph=True)
        graph, (own, outputs, made) = self.captured.graph.raw_cuda_graph(), self.captured.result
        nodes = _Copies(self._cuda, graph)
        self._inputs = [(name, tensor, nodes.of(tensor, given[name])) for name, tensor in own.items()]
        self._outputs = [(name, tensor, nodes.of(made[name], tensor)) for name, tensor in outputs.items()]
        self._launchable = checked(self._cuda.cudaGraphInstantiate(graph, 0))
        weakref.finalize(self, self._cuda.cudaGraphExecDestroy, self._launchable)
        self._kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToDevice

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor] | None:
        """Run it on PyTorch's current stream; the outputs are new tensors.  None where CUDA refuses an address."""
        given = [dense(tensors[name]) for name, _, _ in self._inputs]
        for tensor, (_, own, node) in zip(given, self._inputs, strict=True):
            if not self._move(node, own, tensor):
                return None
        outputs = {}
        for name, own, node in self._outputs:
            outputs[name] = tensor = torch.empty_like(own)
            if not self._move(node, tensor, own):
                return None
        checked(self._cuda.cudaGraphLaunch(self._launchable, current_stream(self._device)))
        return outputs

    def _move(self, node: Any, into: torch.Tensor, tensor: torch.Tensor) -> bool:
        """Let a node copy ``tensor`` at the next launch; whether CUDA does so."""
        if node is None:
            return True
        addresses = into.data_ptr(), tensor.data_ptr()
        move = self._cuda.cudaGraphExecMemcpyNodeSetParams1D
        return not move(self._launchable, node, *addresses, into.nbytes, self._kind)[0]


class _Copies:
    """The nodes of a graph that copy, by the addresses to and from which they do."""

    def __init__(self, cuda: Any, graph: Any) -> None:
        self._nodes: dict[tuple[int, int], Any] = {}
        _, count = checked(cuda.cudaGraphGetNodes(graph))
        nodes, _ = checked(cuda.cudaGraphGetNodes(graph, count))
        for node in nodes:
            if checked(cuda.cudaGraphNodeGetType(node)) == cuda.cudaGraphNodeType.cudaGraphNodeTypeMemcpy:
                copy = checked(cuda.cudaGraphMemcpyNodeGetParams(node))
                self._nodes[int(copy.dstPtr.ptr), int(copy.srcPtr.ptr)] = node

    def of(self, into: torch.Tensor, tensor: torch.Tensor) -> Any:
        """The node that copies ``tensor``; None for one without elements."""
        node = self._nodes.get((into.data_ptr(), tensor.data_ptr()))
        if node is None and into.nbytes:
            raise RuntimeError("a copy is no node of the graph")
        return node
