"""Tensors in memory that somebody else has, without a copy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch


class _Bytes:
    """Memory as NumPy and PyTorch take it over; it lives as long as whoever has it says."""

    def __init__(self, address: int, count: int) -> None:
        interface = {"shape": (count,), "typestr": "|u1", "data": (address, False), "version": 3}
        self.__array_interface__ = self.__cuda_array_interface__ = interface


def tensor_at(address: int, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """A dense tensor at an address, without a copy, for plugins that are written in Python.

    It has the memory as long as whoever owns the memory says, for a plugin until ``enqueue`` returns.

    Args:
        address: in memory of ``device``, as ``enqueue`` gets it.
        shape: the shape.
        dtype: the dtype.
        device: the CPU or a GPU.
    """
    count = math.prod(shape) * dtype.itemsize
    if count == 0:
        return torch.empty(tuple(shape), dtype=dtype, device=device)
    memory = _Bytes(address, count)
    on_cpu = device.type == "cpu"
    raw = torch.from_numpy(np.asarray(memory)) if on_cpu else torch.as_tensor(memory, device=device)
    # the interfaces know no bfloat16; bytes are any dtype
    return raw.view(dtype).view(tuple(shape))
