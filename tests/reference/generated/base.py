"""Generated networks, and helpers to describe one in a line."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch2trt._trt import trt

#: (smallest, usual, greatest) shape of a dynamic input, or the same of the values of a shape input
Range = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Case:
    """One network: ``build(network)`` adds inputs and layers and marks the outputs ``out0``, ``out1``, ...

    ``profile`` has the range of each dynamic input, ``shape_inputs`` the range of the values of each input that is a
    shape.  ``compare`` is "values", "distribution" (random numbers) or "any" (an undefined order).
    """

    name: str
    layer_type: str
    build: Callable[[Any], None]
    inputs: Mapping[str, torch.Tensor]
    profile: Mapping[str, Range] = field(default_factory=dict)
    shape_inputs: Mapping[str, Range] = field(default_factory=dict)
    compare: str = "values"


Body = Callable[..., Any]

TRT_TYPES = {
    torch.float32: "FLOAT",
    torch.float16: "HALF",
    torch.bfloat16: "BF16",
    torch.int64: "INT64",
    torch.int32: "INT32",
    torch.int8: "INT8",
    torch.uint8: "UINT8",
    torch.bool: "BOOL",
    torch.float8_e4m3fn: "FP8",
}

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
I32, I64, BOOL = torch.int32, torch.int64, torch.bool
FLOATS = (F32, F16, BF16)
SHORT = {
    F32: "f32",
    F16: "f16",
    BF16: "bf16",
    I32: "i32",
    I64: "i64",
    BOOL: "bool",
    torch.int8: "i8",
    torch.uint8: "u8",
}


def trt_type(dtype: torch.dtype) -> Any:
    """The ``trt.DataType`` of a torch dtype."""
    return getattr(trt.DataType, TRT_TYPES[dtype])


class Suite:
    """Collects the cases of one family."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def add(
        self,
        layer_type: str,
        label: str,
        body: Body,
        inputs: Sequence[torch.Tensor] = (),
        dynamic: Mapping[int, Sequence[int]] | None = None,
        compare: str = "values",
        shape_inputs: Mapping[int, Range] | None = None,
    ) -> None:
        """A network whose outputs ``body(network, *inputs)`` returns (a tensor, a layer, or several).

        ``dynamic`` names the axes of each input (by position) that are dynamic.
        """
        named = {f"in{i}": tensor for i, tensor in enumerate(inputs)}
        dynamic_axes = {f"in{i}": tuple(axes) for i, axes in (dynamic or {}).items()}

        def build(network: Any) -> None:
            tensors = []
            for name, tensor in named.items():
                shape = [-1 if i in dynamic_axes.get(name, ()) else n for i, n in enumerate(tensor.shape)]
                tensors.append(network.add_input(name, trt_type(tensor.dtype), tuple(shape)))
            for i, output in enumerate(outputs_of(body(network, *tensors))):
                output.name = f"out{i}"
                network.mark_output(output)

        profile = {name: _range(named[name], axes) for name, axes in dynamic_axes.items()}
        shapes = {f"in{i}": ranges for i, ranges in (shape_inputs or {}).items()}
        full = f"{layer_type.lower()}-{label}"
        self.cases.append(Case(full, layer_type, build, named, profile, shapes, compare))


def outputs_of(made: Any) -> list[Any]:
    """Tensors of a tensor, of a layer (its first output) or of a list of either."""
    if isinstance(made, list | tuple):
        return [tensor for one in made for tensor in outputs_of(one)]
    return [made.get_output(0) if hasattr(made, "get_output") else made]


def _range(tensor: torch.Tensor, axes: Sequence[int]) -> Range:
    def scaled(least: bool) -> tuple[int, ...]:
        sizes = enumerate(tensor.shape)
        return tuple(n if i not in axes else (max(1, n // 2) if least else n * 2) for i, n in sizes)

    return scaled(True), tuple(tensor.shape), scaled(False)


def values(label: str, shape: Sequence[int], dtype: torch.dtype = F32, low: int = -8, high: int = 8) -> torch.Tensor:
    """Seeded values: normal floats, integers in [low, high), random booleans."""
    generator = torch.Generator().manual_seed(zlib.crc32(label.encode()))
    if dtype == BOOL:
        return torch.rand(tuple(shape), generator=generator) > 0.5
    if dtype.is_floating_point:
        return torch.randn(tuple(shape), generator=generator).to(dtype)
    return torch.randint(low, high, tuple(shape), generator=generator).to(dtype)


_alive: list[torch.Tensor] = []  # TensorRT gets the address only


def weights(tensor: torch.Tensor) -> Any:
    """A tensor in a form that TensorRT takes as weights."""
    if tensor.dtype in (torch.bfloat16, torch.float8_e4m3fn):
        _alive.append(tensor)
        return trt.Weights(trt_type(tensor.dtype), tensor.data_ptr(), tensor.numel())
    return np.ascontiguousarray(tensor.numpy())


def constant(network: Any, tensor: torch.Tensor) -> Any:
    """A constant's output; booleans come through a cast, because versions of TensorRT differ in boolean weights."""
    if tensor.dtype == BOOL:
        whole = network.add_constant(tuple(tensor.shape), weights(tensor.to(I32)))
        return network.add_cast(whole.get_output(0), trt.bool).get_output(0)
    return network.add_constant(tuple(tensor.shape), weights(tensor)).get_output(0)


def ints(network: Any, *numbers: int, dtype: torch.dtype = I64) -> Any:
    """A constant vector of integers."""
    return constant(network, torch.tensor(numbers, dtype=dtype))


def scalar(network: Any, number: float, dtype: torch.dtype) -> Any:
    """A constant of rank 0."""
    return constant(network, torch.tensor(number, dtype=dtype))
