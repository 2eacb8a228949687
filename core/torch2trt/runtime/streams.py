"""PyTorch's current stream, as CUDA knows it."""

from __future__ import annotations

import torch


def current_stream(device: int) -> int:
    """The handle of PyTorch's current stream."""
    # what torch.cuda.current_stream() makes a Python object of, which takes longer than all else of a call
    raw = getattr(torch._C, "_cuda_getCurrentRawStream", None)
    return int(raw(device)) if raw else int(torch.cuda.current_stream(device).cuda_stream)
