"""What is measured of a call: times, memory, and how far its outputs are from the right ones."""

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree


def synchronize() -> None:
    """Wait for the GPU, where one was used."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def timed(call: Callable[[], Any], calls: int, queued: int) -> dict[str, list[float]]:
    """Times of some calls in microseconds.

    Returns:
        ``host`` until the call returns, ``latency`` until the GPU is done, ``device`` between two CUDA events around
        the call (absent without CUDA), ``rate`` the share of one call in ``queued`` that are queued at once.
    """
    found: dict[str, list[float]] = {"host": [], "latency": [], "rate": []}
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if torch.cuda.is_initialized() else []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        returned = time.perf_counter()
        synchronize()
        found["host"].append(1e6 * (returned - start))
        found["latency"].append(1e6 * (time.perf_counter() - start))
    for _ in range(calls if events else 0):  # by themselves: recording an event takes the host some time
        events[0].record()
        call()
        events[1].record()
        events[1].synchronize()
        found.setdefault("device", []).append(1e3 * events[0].elapsed_time(events[1]))
    start = time.perf_counter()
    for _ in range(queued):
        call()
    synchronize()
    found["rate"].append(1e6 * (time.perf_counter() - start) / queued)
    return found


def spread(values: list[float]) -> list[float]:
    """The median and the quartiles below and above it."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return [round(value, 1) for value in (middle, low, high)]


def relative_error(actual: Any, expected: list[torch.Tensor]) -> float | None:
    """The largest error of any output over the largest value of that output; None where an output is not finite.

    Raises:
        ValueError: there are more or fewer outputs than expected, or their shapes differ.
    """
    leaves = [leaf for leaf in pytree.tree_leaves(actual) if isinstance(leaf, torch.Tensor)]
    if [leaf.shape for leaf in leaves] != [tensor.shape for tensor in expected]:
        shapes = [[tuple(tensor.shape) for tensor in tensors] for tensors in (leaves, expected)]
        raise ValueError(f"outputs have the shapes {shapes[0]}, expected are {shapes[1]}")
    worst = 0.0
    for leaf, right in zip(leaves, expected, strict=True):
        leaf = leaf.float().cpu()
        if not leaf.isfinite().all():
            return None
        worst = max(worst, float((leaf - right).abs().max() / right.abs().max()))
    return worst


def peak() -> int:
    """The peak resident memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def device_memory() -> int:
    """The memory in use on the GPU in bytes, of all processes and libraries; 0 without CUDA."""
    if not torch.cuda.is_initialized():
        return 0
    free, total = torch.cuda.mem_get_info()
    return total - free
