"""Capturing work in a CUDA graph beside what other threads and streams do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import torch

from .scratch import Block
from .streams import OwnStream

T = TypeVar("T")
Tensors = Mapping[str, torch.Tensor]


class Captured(Generic[T]):
    """A graph of what ``work`` queues on PyTorch's current stream, and what it returns.

    Args:
        work: queues, and returns tensors of the graph's memory.
        device: the GPU.
        beside: one that never runs at the same time: the memory that it no longer needs is taken for this one, where a
            pool of its own, or another stream's part of one, would stay reserved when this one is gone.
        keep_graph: the graph is not made ready to be launched.
    """

    def __init__(
        self,
        work: Callable[[], T],
        device: torch.device,
        beside: Captured[Any] | None = None,
        *,
        keep_graph: bool = False,
    ) -> None:
        self.graph = torch.cuda.CUDAGraph(keep_graph)
        self._own: OwnStream = OwnStream(device) if beside is None else beside._own
        stream, current = self._own.stream, torch.cuda.current_stream(device)
        stream.wait_stream(current)
        # buffers that were made in inference mode could not be written outside of it
        with torch.inference_mode(False), torch.no_grad(), torch.cuda.stream(stream):
            # not torch.cuda.graph(), which waits for the GPU and empties the allocator's cache
            pool = None if beside is None else beside.graph.pool()
            self.graph.capture_begin(pool, capture_error_mode="thread_local")
            try:
                self.result = work()
            finally:
                self.graph.capture_end()
        current.wait_stream(stream)
        #: scratch memory that it writes and others do too
        self.block: Block | None = None


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor whose numbers lie in memory one after the other, as they are."""
    return tensor if tensor.is_contiguous() and not tensor.is_neg() else tensor.contiguous().resolve_neg()
