"""Times of runners on a GPU."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

import torch

from ..runtime.runner import Runner

#: until kernels that are compiled beside the calls, and the graphs of shapes that come back, are there
_WARM_UP: Final = 40
_ROUNDS, _CALLS = 7, 20


def timed(runners: Sequence[Runner], tensors: Mapping[str, torch.Tensor]) -> list[float]:
    """Microseconds of a call of each runner on the GPU: medians of rounds in turns."""
    tensors = {name: tensor.cuda() for name, tensor in tensors.items()}
    for runner in runners:
        for _ in range(_WARM_UP):
            runner(tensors)
    taken: list[list[float]] = [[] for _ in runners]
    for _ in range(_ROUNDS):
        for times, runner in zip(taken, runners, strict=True):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            start.record()
            for _ in range(_CALLS):
                runner(tensors)
            end.record()
            end.synchronize()
            times.append(1e3 * start.elapsed_time(end) / _CALLS)
    return [statistics.median(times) for times in taken]
