"""Evaluators: each reads one layer once and prepares a function of tensors, which is then called many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..dtypes import EIGHT_BIT_FLOATS, REDUCED, cast, torch_dtype
from ..errors import InterpreterError, UnsupportedLayerError
from ..layers import Node, Value, dims

#: an argument of a kernel: a value of the network, weights (kept on the device), a plain Python value, or nothing
Argument = Value | torch.Tensor | tuple[int, ...] | None
Kernel = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A layer ready to evaluate: ``kernel(*args)`` returns the layer's output, or a tuple of its outputs.

    Arguments from ``control_from`` on are read as plain numbers, so their device does not matter.
    """

    kernel: Kernel
    args: tuple[Argument, ...]
    control_from: int = 99


Evaluator = Callable[[Node], Prepared]


def axes_of(mask: int, rank: int) -> list[int]:
    """The axes that a bit mask selects."""
    return [axis for axis in range(rank) if mask >> axis & 1]


def single_axis(node: Node, mask: int) -> int:
    """The only axis that a bit mask selects."""
    axes = axes_of(mask, node.required(0).rank)
    if len(axes) != 1:
        raise UnsupportedLayerError(f"{node}: exactly one axis is expected, got axes {axes}")
    return axes[0]


def required_dims(node: Node, value: Any) -> tuple[int, ...]:
    """Static dims of a layer; an error if they are unset."""
    extents = dims(value)
    if extents is None:
        raise InterpreterError(f"{node} lacks a static setting that no input gives")
    return extents


def dims_or_input(node: Node, index: int, attribute: str) -> Argument:
    """Input ``index`` if it is set (the attribute's getter may fail then), else the dims of the layer's attribute."""
    value = node.input(index)
    return value if value is not None else dims(getattr(node.layer, attribute, None))


def ints(value: torch.Tensor | Sequence[int]) -> list[int]:
    """A shape tensor, or static dims, as plain integers."""
    if isinstance(value, torch.Tensor):
        numbers: list[int] = value.reshape(-1).tolist()
        return numbers
    return list(value)


def indices_dtype(node: Node) -> torch.dtype:
    """The dtype of the indices that a layer returns."""
    # an older TensorRT has int32 only, and no such attribute
    data_type = getattr(node.layer, "indices_type", None)
    return torch.int32 if data_type is None else torch_dtype(data_type)


def widened(kernel: Callable[..., torch.Tensor], dtype: torch.dtype, on_cuda: bool = True) -> Kernel:
    """The kernel with 16-bit and 8-bit floats computed in fp32 and rounded once at the end.

    An engine accumulates these in fp32; torch does so only on some devices.  ``on_cuda=False`` leaves CUDA tensors as
    they are, for operators whose CUDA kernels accumulate in fp32 too.
    """
    if dtype not in REDUCED and dtype not in EIGHT_BIT_FLOATS:
        return kernel

    def wide(first: torch.Tensor, *rest: Any) -> torch.Tensor:
        if first.is_cuda and not on_cuda and dtype in REDUCED:
            return kernel(first, *rest)
        floats = [a.float() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in rest]
        return kernel(first.float(), *floats).to(dtype)

    return wide


def in_fp32(kernel: Callable[..., torch.Tensor], result: torch.dtype) -> Kernel:
    """The kernel on 8-bit values converted to fp32; an integer result is rounded to nearest even."""

    def wide(*args: torch.Tensor) -> torch.Tensor:
        output = kernel(*(a.float() for a in args))
        return cast(output if result.is_floating_point or result == torch.bool else torch.round(output), result)

    return wide


def as_bits(kernel: Callable[..., torch.Tensor], dtype: torch.dtype) -> Kernel:
    """The kernel on the bits of 8-bit floats, because most of torch's data movement does not support these types."""
    if dtype not in EIGHT_BIT_FLOATS:
        return kernel

    def moved(*args: Any) -> torch.Tensor:
        bits = [a.view(torch.uint8) if isinstance(a, torch.Tensor) and a.dtype == dtype else a for a in args]
        return kernel(*bits).view(dtype)

    return moved
