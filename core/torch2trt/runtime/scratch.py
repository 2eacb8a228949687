"""The scratch memory of engines, from PyTorch's allocator.

What is queued on a stream is done in order.  So a call takes its scratch memory when it is queued and drops it at once:
the next call on that stream gets the same, of whichever module it is, and so does PyTorch.  A CUDA graph has the
addresses of its capture.  So the graphs that one thread launches on one stream, of whichever modules, have one block.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import torch

from .streams import current_stream


class Block:
    """Memory for graphs of one thread and stream, which write it one after the other and have to hold it."""

    def __init__(self, size: int, device: torch.device) -> None:
        self.memory = torch.empty(size, dtype=torch.uint8, device=device)
        #: whether there is a larger one, which every graph that moves there makes one of two
        self.outgrown = False


class _Largest(threading.local):
    """The block of each GPU and stream that takes new graphs of this thread, as long as some graph holds it."""

    def __init__(self) -> None:
        self.blocks = weakref.WeakValueDictionary[tuple[int, int], Block]()


_largest = _Largest()


def block_for_graphs(size: int, device: torch.device) -> Block:
    """The block of this thread and PyTorch's current stream, which has ``size`` bytes or more; not in a capture."""
    place = device.index, current_stream(device.index)
    block = _largest.blocks.get(place)
    if block is None or block.memory.numel() < size:
        made = Block(size, device)
        if block is not None:
            block.outgrown = True
        block = _largest.blocks[place] = made
    return block


def give(context: Any, memory: torch.Tensor, empty_address: int) -> None:
    """Let what is queued next of an execution context use ``memory``, until it is done."""
    context.set_device_memory(memory.data_ptr() or empty_address, memory.numel())
