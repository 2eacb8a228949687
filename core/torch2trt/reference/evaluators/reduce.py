"""REDUCE, SOFTMAX, RAGGED_SOFTMAX, CUMULATIVE and TOPK."""

from __future__ import annotations

import math

import torch

from ..dtypes import torch_dtype
from ..errors import UnsupportedLayerError
from ..network import Node, Value
from .base import Argument, Evaluator, Kernel, Prepared, axes_of, ints, single_axis, widened


def _extreme(greatest: bool) -> Kernel:
    operator = torch.amax if greatest else torch.amin

    def evaluate(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
        if x.is_floating_point():
            nothing: float = -math.inf if greatest else math.inf
            x = torch.where(x.isnan(), nothing, x)  # an engine's MAX and MIN pass over NaN
        else:
            info = torch.iinfo(x.dtype)
            nothing = info.min if greatest else info.max
        if any(x.shape[axis] == 0 for axis in axes):
            shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
            full = torch.full(shape, nothing, dtype=x.dtype, device=x.device)
            return full if keep else full.squeeze(axes)
        return operator(x, axes, keep)

    return evaluate


def _product(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    for axis in sorted(axes, reverse=True):
        x = torch.prod(x, axis, keep, dtype=x.dtype)
    return x


def _mean(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    if x.is_floating_point():
        return torch.mean(x, axes, keep)
    count = math.prod(x.shape[axis] for axis in axes)
    total = torch.sum(x, axes, keep, dtype=x.dtype)
    return torch.div(total, count, rounding_mode="trunc") if count else total  # 0 over nothing, as documented


def _sum(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    return torch.sum(x, axes, keep, dtype=x.dtype)


#: by the name of the ``trt.ReduceOperation``.  Over nothing: SUM 0, PROD 1, MAX the least and MIN the greatest value
#: of the type (infinities for floats), AVG NaN for floats and 0 for integers.
_OPERATIONS: dict[str, Kernel] = {
    "SUM": _sum,
    "PROD": _product,
    "MAX": _extreme(greatest=True),
    "MIN": _extreme(greatest=False),
    "AVG": _mean,
    "NONE": lambda x, axes, keep: x,
}


def reduce(node: Node) -> Prepared:
    """Reduce over the axes of a bit mask; 16-bit floats are accumulated in fp32."""
    operation, keep = node.layer.op.name, bool(node.layer.keep_dims)
    kernel = _OPERATIONS.get(operation)
    if kernel is None:
        raise UnsupportedLayerError(f"{node}: no operation {operation}")
    value = node.required(0)
    axes = axes_of(node.layer.axes, value.rank)
    found = kernel

    def evaluate(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = found(x, axes, keep)
        return result

    return Prepared(widened(evaluate, value.dtype), (value,))


def softmax(node: Node) -> Prepared:
    """Softmax along the one axis of a bit mask, in fp32."""
    value = node.required(0)
    axis = single_axis(node, node.layer.axes)
    return Prepared(widened(lambda x: torch.softmax(x, axis), value.dtype), (value,))


def ragged_softmax(node: Node) -> Prepared:
    """Softmax over the first ``bounds`` elements of each row; the others are 0."""

    def evaluate(x: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
        inside = torch.arange(x.shape[-1], device=x.device) < bounds
        return torch.softmax(x.masked_fill(~inside, -math.inf), -1).masked_fill(~inside, 0.0)

    return Prepared(widened(evaluate, node.required(0).dtype), (node.required(0), node.required(1)))


def cumulative(node: Node) -> Prepared:
    """Sum of what comes up to an element (from it on, where ``reverse``), without the element where ``exclusive``."""
    exclusive, backwards = bool(node.layer.exclusive), bool(node.layer.reverse)

    def evaluate(x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
        axis = ints(axes)[0]
        ordered = x.flip(axis) if backwards else x
        total = torch.cumsum(ordered, axis, dtype=x.dtype)
        if exclusive and x.shape[axis]:
            nothing = torch.zeros_like(total.narrow(axis, 0, 1))
            total = torch.cat((nothing, total.narrow(axis, 0, x.shape[axis] - 1)), axis)
        return total.flip(axis) if backwards else total

    value = node.required(0)
    return Prepared(widened(evaluate, value.dtype), (value, node.required(1)), control_from=1)


def topk(node: Node) -> Prepared:
    """The k greatest or least along one axis, sorted, with their indices; of equal ones the first comes first."""
    axis = single_axis(node, node.layer.axes)
    greatest = node.layer.op.name == "MAX"
    indices_dtype = _indices_dtype(node)

    def evaluate(x: torch.Tensor, k: torch.Tensor | tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        values, indices = torch.sort(x, dim=axis, descending=greatest, stable=True)
        count = ints(k)[0]
        return values.narrow(axis, 0, count), indices.narrow(axis, 0, count).to(indices_dtype)

    dynamic: Value | None = node.input(1)
    count: Argument = dynamic if dynamic is not None else (int(node.layer.k),)
    return Prepared(evaluate, (node.required(0), count), control_from=1)


def _indices_dtype(node: Node) -> torch.dtype:
    # an older TensorRT has int32 only, and no such attribute
    chosen = getattr(node.layer, "indices_type", None)
    return torch.int32 if chosen is None else torch_dtype(chosen)


EVALUATORS: dict[str, Evaluator] = {
    "REDUCE": reduce,
    "SOFTMAX": softmax,
    "RAGGED_SOFTMAX": ragged_softmax,
    "CUMULATIVE": cumulative,
    "TOPK": topk,
}
