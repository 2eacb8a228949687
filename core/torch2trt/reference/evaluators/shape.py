"""Layers that move data without changing it, and layers that only read its shape or check it."""

from __future__ import annotations

import torch

from .. import weights
from ..dtypes import cast as cast_values
from ..dtypes import round_to_fp4, torch_dtype
from ..errors import InterpreterError
from ..layers import Node
from .base import Evaluator, Prepared, as_bits, dims_or_input, ints, required_dims


def constant(node: Node) -> Prepared:
    """The weights; they fill their slot before the first step, so a schedule never calls the kernel."""
    values = weights.read(node.layer.weights, required_dims(node, node.layer.shape))
    return Prepared(lambda x: x, (values,))


def identity(node: Node) -> Prepared:
    """The input, converted if the output is declared with another type."""
    value, target = node.required(0), node.outputs[0].dtype
    if value.dtype == target:
        return Prepared(lambda x: x, (value,))
    return Prepared(lambda x: cast_values(x, target), (value,))


def cast(node: Node) -> Prepared:
    """The input, converted to ``to_type``; see :func:`torch2trt.reference.dtypes.cast`.

    INT4 keeps the low four bits of the integer, as in ONNX: TensorRT documents nothing, and no engine casts to INT4.
    FP4 is rounded to nearest even and saturates.
    """
    name, target = node.layer.to_type.name, torch_dtype(node.layer.to_type)
    if name == "FP4":
        return Prepared(lambda x: round_to_fp4(x.float()).to(target), (node.required(0),))
    if name == "INT4":
        return Prepared(lambda x: (((cast_values(x, torch.int32) + 8) & 15) - 8).to(target), (node.required(0),))
    return Prepared(lambda x: cast_values(x, target), (node.required(0),))


def shuffle(node: Node) -> Prepared:
    """Transpose, reshape, transpose.

    In a reshape 0 copies the extent of the input (after the first transpose) unless ``zero_is_placeholder`` is off,
    and one -1 is inferred.
    """
    layer = node.layer
    value = node.required(0)
    first = tuple(layer.first_transpose)[: value.rank]
    target = dims_or_input(node, 1, "reshape_dims")
    second_wide = tuple(layer.second_transpose)
    placeholder = bool(layer.zero_is_placeholder)
    moves = first != tuple(range(value.rank))

    def evaluate(x: torch.Tensor, target: torch.Tensor | tuple[int, ...] | None) -> torch.Tensor:
        if moves:
            x = x.permute(first)
        if target is not None:
            extents = ints(target)
            if placeholder:
                extents = [x.shape[i] if extent == 0 else extent for i, extent in enumerate(extents)]
            x = x.reshape(extents)
        second = second_wide[: x.dim()]
        return x if second == tuple(range(x.dim())) else x.permute(second)

    return Prepared(evaluate, (value, target), control_from=1)


def concatenation(node: Node) -> Prepared:
    """The inputs concatenated along ``axis``."""
    axis = int(node.layer.axis)
    values = tuple(node.required(i) for i in range(len(node.inputs)))
    return Prepared(as_bits(lambda *xs: torch.cat(xs, axis), values[0].dtype), values)


def shape(node: Node) -> Prepared:
    """The extents of the input, on the CPU."""
    dtype = node.outputs[0].dtype
    return Prepared(lambda x: torch.tensor(x.shape, dtype=dtype), (node.required(0),), control_from=0)


def squeeze(node: Node) -> Prepared:
    """Drop the axes of extent 1 that the second input names."""

    def evaluate(x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
        dropped = {axis % x.dim() for axis in ints(axes)}
        return x.reshape([n for i, n in enumerate(x.shape) if i not in dropped])

    return Prepared(evaluate, (node.required(0), node.required(1)), control_from=1)


def unsqueeze(node: Node) -> Prepared:
    """Insert axes of extent 1 at the positions in the result that the second input names."""

    def evaluate(x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
        inserted = ints(axes)
        rank = x.dim() + len(inserted)
        for axis in sorted(axis % rank for axis in inserted):
            x = x.unsqueeze(axis)
        return x

    return Prepared(evaluate, (node.required(0), node.required(1)), control_from=1)


def assertion(node: Node) -> Prepared:
    """Raise an error with the layer's message if any element of the condition is false."""
    message, described = node.layer.message, str(node)

    def evaluate(condition: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if not bool(condition.all()):
            raise InterpreterError(f"{described} does not hold: {message}")
        return ()

    return Prepared(evaluate, (node.required(0),), control_from=0)


EVALUATORS: dict[str, Evaluator] = {
    "CONSTANT": constant,
    "IDENTITY": identity,
    "CAST": cast,
    "SHUFFLE": shuffle,
    "CONCATENATION": concatenation,
    "SHAPE": shape,
    "SQUEEZE": squeeze,
    "UNSQUEEZE": unsqueeze,
    "ASSERTION": assertion,
}
