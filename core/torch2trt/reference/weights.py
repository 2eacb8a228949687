"""Weights that a network holds, as torch tensors that share its memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import torch

from .dtypes import TORCH_DTYPES, round_to_fp4


class _WeightsStruct(ctypes.Structure):
    # nvinfer1::Weights; a pybind11 wrapper holds the pointer to it right after its object header
    _fields_ = (("type", ctypes.c_int32), ("values", ctypes.c_void_p), ("count", ctypes.c_int64))


_POINTER_OFFSET = 16  # PyObject_HEAD of a pybind11 instance


def read(weights: Any, shape: tuple[int, ...]) -> torch.Tensor:
    """Weights of a layer as a tensor of ``shape``.

    The tensor shares the memory that the network points to and must not outlive it, nor the memory that the network's
    author passed to TensorRT by pointer; this is why an interpreter holds the network.  INT4 and FP4 are unpacked into
    one element per byte, see :mod:`.dtypes`.
    """
    if isinstance(weights, np.ndarray):
        name = {"float32": "FLOAT", "float16": "HALF"}.get(weights.dtype.name, weights.dtype.name.upper())
        return _share(weights.ctypes.data, weights.size, TORCH_DTYPES[name]).reshape(shape)
    name = weights.dtype.name
    address = ctypes.c_void_p.from_address(id(weights) + _POINTER_OFFSET).value
    if address is None or weights.size == 0:
        return torch.empty(shape, dtype=TORCH_DTYPES[name])
    struct = _WeightsStruct.from_address(address)
    if name in ("INT4", "FP4"):
        return _unpack(_share(struct.values, (struct.count + 1) // 2, torch.uint8), struct.count, name).reshape(shape)
    return _share(struct.values, struct.count, TORCH_DTYPES[name]).reshape(shape)


def optional(weights: Any, shape: tuple[int, ...]) -> torch.Tensor | None:
    """As :func:`read`, or None if the layer has no such weights."""
    if weights is None or weights.size == 0:
        return None
    return read(weights, shape)


def _share(address: int | None, count: int, dtype: torch.dtype) -> torch.Tensor:
    if address is None or count == 0:
        return torch.empty(0, dtype=dtype)
    buffer = (ctypes.c_char * (count * dtype.itemsize)).from_address(address)
    return torch.frombuffer(buffer, dtype=dtype, count=count)


def _unpack(packed: torch.Tensor, count: int, name: str) -> torch.Tensor:
    nibbles = torch.stack((packed & 0xF, packed >> 4), dim=-1).reshape(-1)[:count]  # the low half comes first
    if name == "INT4":
        signed = nibbles.to(torch.int8)
        return torch.where(signed > 7, signed - 16, signed)
    table = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
    values = torch.cat((table, -table))[nibbles.to(torch.int64)]
    return round_to_fp4(values).to(torch.float8_e4m3fn)
