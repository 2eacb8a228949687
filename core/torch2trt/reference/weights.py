"""Weights that a network holds: as torch tensors that share its memory, and in memory of the network's own."""

from __future__ import annotations

import ctypes
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .._trt import trt
from .dtypes import TORCH_DTYPES, round_to_fp4


class _WeightsStruct(ctypes.Structure):
    # nvinfer1::Weights; a pybind11 wrapper holds the pointer to it right after its object header
    _fields_ = (("type", ctypes.c_int32), ("values", ctypes.c_void_p), ("count", ctypes.c_int64))


_POINTER_OFFSET = 16  # PyObject_HEAD of a pybind11 instance
#: the layers that have weights: the class of each type, and its attributes
WITH_WEIGHTS = {
    "CONSTANT": ("IConstantLayer", ("weights",)),
    "CONVOLUTION": ("IConvolutionLayer", ("kernel", "bias")),
    "DECONVOLUTION": ("IDeconvolutionLayer", ("kernel", "bias")),
    "SCALE": ("IScaleLayer", ("scale", "shift", "power")),
}


def read(weights: Any, shape: tuple[int, ...]) -> torch.Tensor:
    """Weights of a layer as a tensor of ``shape``.

    The tensor shares the memory that the network points to and must not outlive it, nor the memory that the network's
    author passed to TensorRT by pointer; this is why an interpreter holds the network.  INT4 and FP4 are unpacked into
    one element per byte, see :mod:`.dtypes`.
    """
    name, address, count = _locate(weights)
    if address is None or count == 0:
        return torch.empty(shape, dtype=TORCH_DTYPES[name])
    if name in ("INT4", "FP4"):
        return _unpack(_share(address, (count + 1) // 2, torch.uint8), count, name).reshape(shape)
    return _share(address, count, TORCH_DTYPES[name]).reshape(shape)


def optional(weights: Any, shape: tuple[int, ...]) -> torch.Tensor | None:
    """As :func:`read`, or None if the layer has no such weights."""
    if weights is None or weights.size == 0:
        return None
    return read(weights, shape)


@dataclass(frozen=True, slots=True)
class Held:
    """Weights that a layer holds."""

    layer: Any
    #: the name of what they are there, as ``trt.WeightsRole`` has it
    role: str
    #: the name of TensorRT's dtype
    dtype: str
    #: their bytes, which are the network's
    memory: torch.Tensor
    #: the same for TensorRT
    weights: Any


def held(network: Any) -> Iterator[Held]:
    """All weights of a network, which must not outlive it."""
    for layer, attribute, weights in _weights(network):
        name, address, count = _locate(weights)
        assert address is not None
        role = "CONSTANT" if attribute == "weights" else attribute.upper()
        yield Held(layer, role, name, _memory(weights), trt.Weights(getattr(trt.DataType, name), address, count))


def shared(network: Any, own: Container[int]) -> Iterator[tuple[Any, torch.Tensor]]:
    """The layer and the bytes of all weights whose memory does not begin at one of the addresses ``own``."""
    return ((layer, _memory(w)) for layer, _, w in _weights(network) if _locate(w)[1] not in own)


def copied(network: Any, own: Container[int]) -> list[torch.Tensor]:
    """Let the network point to copies of the weights that :func:`shared` gives; the caller keeps the copies alive."""
    # by their sizes too: a tensor and its first rows begin at one address
    copies: dict[tuple[int | None, int], torch.Tensor] = {}
    for layer, attribute, weights in _weights(network):
        name, address, count = _locate(weights)
        if address in own:
            continue
        memory = _memory(weights)
        key = address, memory.numel()
        if key not in copies:
            copies[key] = memory.clone()
        setattr(layer, attribute, trt.Weights(getattr(trt.DataType, name), copies[key].data_ptr(), count))
    return list(copies.values())


def _weights(network: Any) -> Iterator[tuple[Any, str, Any]]:
    """The layer, the attribute and the value of all weights of a network."""
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        kind = trt.ILayer.type.__get__(layer).name
        if kind not in WITH_WEIGHTS:
            continue
        name, attributes = WITH_WEIGHTS[kind]
        layer.__class__ = getattr(trt, name)
        for attribute in attributes:
            weights = getattr(layer, attribute)
            if weights is not None and weights.size > 0:
                yield layer, attribute, weights


def _memory(weights: Any) -> torch.Tensor:
    """The bytes of weights, which are not empty."""
    name, address, count = _locate(weights)
    assert address is not None
    size = (count + 1) // 2 if name in ("INT4", "FP4") else count * TORCH_DTYPES[name].itemsize
    return _share(address, size, torch.uint8)


def _locate(weights: Any) -> tuple[str, int | None, int]:
    """The name of TensorRT's dtype, the address and the number of elements of a layer's weights."""
    if isinstance(weights, np.ndarray):
        name = {"float32": "FLOAT", "float16": "HALF"}.get(weights.dtype.name, weights.dtype.name.upper())
        return name, weights.ctypes.data, weights.size
    address = ctypes.c_void_p.from_address(id(weights) + _POINTER_OFFSET).value
    if address is None or weights.size == 0:
        return weights.dtype.name, None, 0
    struct = _WeightsStruct.from_address(address)
    return weights.dtype.name, struct.values, struct.count


def _share(address: int, count: int, dtype: torch.dtype) -> torch.Tensor:
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
