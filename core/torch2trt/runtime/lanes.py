"""What calls of one thread on one stream have for themselves, as what they queue is done in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from .streams import current_stream

L = TypeVar("L")


class Lanes(Generic[L]):
    """One lane for each thread and stream.

    Args:
        device: the index of the GPU.
        make: makes one.
    """

    def __init__(self, device: int, make: Callable[[], L]) -> None:
        self._device, self._make = device, make
        self._local = threading.local()

    def current(self, capturing: bool = False) -> L | None:
        """That of this thread and PyTorch's current stream; of a stream that is captured, that of the last call.

        What a lane needs cannot be made in a capture: None where the thread has made no call.
        """
        lanes: dict[int, L] | None = getattr(self._local, "lanes", None)
        if lanes is None:
            lanes = self._local.lanes = {}
        stream = current_stream(self._device)
        lane = lanes.get(stream)
        if capturing:
            return lane or getattr(self._local, "last", None)
        if lane is None:
            lane = lanes[stream] = self._make()
        self._local.last = lane
        return lane
