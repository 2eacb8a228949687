"""CUDA's streams: PyTorch's current one, and those that nobody else has."""

from __future__ import annotations

import functools
import weakref
from typing import Any

import torch


def current_stream(device: int) -> int:
    """The handle of PyTorch's current stream."""
    # what torch.cuda.current_stream() makes a Python object of, which takes longer than all else of a call
    raw = getattr(torch._C, "_cuda_getCurrentRawStream", None)
    return int(raw(device)) if raw else int(torch.cuda.current_stream(device).cuda_stream)


@functools.cache
def bindings() -> Any:
    """NVIDIA's ``cuda.bindings.runtime``, which comes with PyTorch on Linux; None without it."""
    try:
        from cuda.bindings import runtime  # type: ignore[import-untyped]
    except ImportError:
        return None
    return runtime


def checked(answer: tuple[Any, ...]) -> Any:
    """What a function of CUDA returns beside its error.

    Raises:
        RuntimeError: the error.
    """
    error, *results = answer
    if error:
        raise RuntimeError(f"CUDA: {error}")
    return results[0] if len(results) == 1 else results


class OwnStream:
    """A stream that nobody else has, as long as this object lives; without ``cuda.bindings`` one of PyTorch's.

    PyTorch has 32 for each GPU and hands them out in turns, so another thread may have the same.  While work on it is
    captured, what that thread queues would not run but become a part of the graph.

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        runtime = bindings()
        if runtime is None:
            self.stream: torch.cuda.Stream = torch.cuda.Stream(device)
            return
        with torch.cuda.device(device):
            # not one that waits for the default stream, which nobody could use during a capture
            handle = checked(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking))
        self.stream = torch.cuda.ExternalStream(int(handle), device=device)
        weakref.finalize(self, runtime.cudaStreamDestroy, handle)
