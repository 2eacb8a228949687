"""Dtypes, devices, versions and engines, as helpers of classic converters name them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch

from .. import _trt
from .._trt import trt
from ..dtypes import to_torch, to_trt
from ..errors import ConversionError
from ..packs.loading import installed
from ..packs.plugins import register_plugins


def torch_dtype_to_trt(dtype: torch.dtype) -> trt.DataType:
    """TensorRT's dtype; TypeError where it has none."""
    try:
        return to_trt(dtype)
    except ConversionError as error:
        raise TypeError(str(error)) from None


def torch_dtype_from_trt(dtype: trt.DataType) -> torch.dtype:
    """PyTorch's dtype; TypeError where it has none."""
    try:
        return to_torch(dtype)
    except ConversionError as error:
        raise TypeError(str(error)) from None


def torch_device_to_trt(device: torch.device) -> trt.TensorLocation:
    """Where TensorRT has tensors of a device."""
    if device.type not in ("cuda", "cpu"):
        raise TypeError(f"TensorRT has no tensors on {device}")
    return trt.TensorLocation.DEVICE if device.type == "cuda" else trt.TensorLocation.HOST


def torch_device_from_trt(location: trt.TensorLocation) -> torch.device:
    """The device of a TensorRT location."""
    return torch.device("cuda" if location == trt.TensorLocation.DEVICE else "cpu")


def trt_version() -> str:
    """TensorRT's version, of TensorRT for RTX its own.

    Classic converters compare it as text (``trt_version() >= '7.0'``), and 1.6 and 10.13 are both less than that; so a
    version is compared by its numbers, and TensorRT for RTX is as new as TensorRT 11.
    """
    return _Version(_trt.version() or "")


def torch_version() -> str:
    """PyTorch's version."""
    return torch.__version__


def trt_int_dtype() -> type[np.int64]:
    """The dtype of sizes."""
    return np.int64


def trt_num_inputs(engine: trt.ICudaEngine) -> int:
    """How many inputs an engine has."""
    return sum(engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in _names(engine))


def trt_num_outputs(engine: trt.ICudaEngine) -> int:
    """How many outputs an engine has."""
    return len(_names(engine)) - trt_num_inputs(engine)


def device_type_str(device_type: trt.DeviceType) -> str:
    """``GPU`` or ``DLA``."""
    return str(device_type.name)


def default_input_names(count: int) -> list[str]:
    """``input_0``, ``input_1``, …"""
    return [f"input_{index}" for index in range(count)]


def default_output_names(count: int) -> list[str]:
    """``output_0``, ``output_1``, …"""
    return [f"output_{index}" for index in range(count)]


def infer_dynamic_axes(low: Sequence[Sequence[int]], high: Sequence[Sequence[int]]) -> list[list[int]]:
    """The dimensions of each tensor in which its smallest and its largest shape differ."""
    return [[i for i, (a, b) in enumerate(zip(*pair, strict=True)) if a != b] for pair in zip(low, high, strict=True)]


def get_module_qualname(name: str) -> tuple[ModuleType, str, str]:
    """The module that a dotted name is in, its name, and the rest; RuntimeError where none can be imported."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            return importlib.import_module(".".join(parts[:cut])), ".".join(parts[:cut]), ".".join(parts[cut:])
        except ImportError:
            continue
    raise RuntimeError(f"no module of {name!r} can be imported")


def load_plugins() -> None:
    """Register the TensorRT plugins of the installed packs."""
    register_plugins(installed())


class _Version(str):
    """A version that compares by its numbers."""

    __slots__ = ()

    def _numbers(self, text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(".") if part.isdigit())

    def _own(self) -> tuple[int, ...]:
        return (11, 0) if _trt.FLAVOR == "rtx" else self._numbers(self)

    def __lt__(self, other: str) -> bool:
        return self._own() < self._numbers(other)

    def __le__(self, other: str) -> bool:
        return self._own() <= self._numbers(other)

    def __gt__(self, other: str) -> bool:
        return self._own() > self._numbers(other)

    def __ge__(self, other: str) -> bool:
        return self._own() >= self._numbers(other)


def _names(engine: Any) -> list[str]:
    return [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
