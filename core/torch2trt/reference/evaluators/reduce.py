"""REDUCE, SOFTMAX, RAGGED_SOFTMAX, CUMULATIVE and TOPK."""

from __future__ import annotations

import math

import torch

from ..errors import UnsupportedLayerError
from ..layers import Node, Value
from .base import Argument, Evaluator, Kernel, Prepared, axes_of, indices_dtype, ints, single_axis, widened


def _extreme(greatest: bool) -> Kernel:
    operator = torch.amax if greatest else torch.amin

    def evaluate(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
        if x.is_floating_point():
            neutral: float = -math.inf if greatest else math.inf
            x = torch.where(x.isnan(), neutral, x)  # an engine's MAX and MIN ignore NaN
        else:
            info = torch.iinfo(x.dtype)
            neutral = info.min if greatest else info.max
        if any(x.shape[axis] == 0 for axis in axes):
            shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
            full = torch.full(shape, neutral, dtype=x.dtype, device=x.device)
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
    return torch.div(total, count, rounding_mode="trunc") if count else total  # 0 without elements, as documented


def _sum(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    return torch.sum(x, axes, keep, dtype=x.dtype)


#: by the name of the ``trt.ReduceOperation``.  Without elements SUM is 0, PROD 1, MAX the least and MIN the greatest
#: value of the type (infinities for floats), AVG NaN for floats and 0 for integers.
_OPERATIONS: dict[str, Kernel] = {
    "SUM": _sum,
    "PROD": _product,
    "MAX": _extreme(greatest=True),
    "MIN": _extreme(greatest=False),
    "AVG": _mean,
    "NONE": lambda x, axes, keep: x,
}


def reduce(node: Node) -> Prepared:
    """Reduce over the axes that a bit mask selects; 16-bit floats are accumulated in fp32."""
    operation, keep = node.layer.op.name, bool(node.layer.keep_dims)
    if operation not in _OPERATIONS:
        raise UnsupportedLayerError(f"{node}: no operation {operation}")
    kernel = _OPERATIONS[operation]
    value = node.required(0)
    axes = axes_of(node.layer.axes, value.rank)

    def evaluate(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = kernel(x, axes, keep)
        return result

    return Prepared(widened(evaluate, value.dtype), (value,))


def softmax(node: Node) -> Prepared:
    """Softmax along the only axis that a bit mask selects, in fp32."""
    value = node.required(0)
    axis = single_axis(node, node.layer.axes)
    return Prepared(widened(lambda x: torch.softmax(x, axis), value.dtype), (value,))


def ragged_softmax(node: Node) -> Prepared:
    """Softmax over the first ``bounds`` elements of each row; all others are 0."""

    def evaluate(x: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
        inside = torch.arange(x.shape[-1], device=x.device) < bounds
        return torch.softmax(x.masked_fill(~inside, -math.inf), -1).masked_fill(~inside, 0.0)

    return Prepared(widened(evaluate, node.required(0).dtype), (node.required(0), node.required(1)))


def cumulative(node: Node) -> Prepared:
    """The sum of the elements up to each one (from it on if ``reverse``), without that one if ``exclusive``."""
    exclusive, reverse = bool(node.layer.exclusive), bool(node.layer.reverse)

    def evaluate(x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
        axis = ints(axes)[0]
        ordered = x.flip(axis) if reverse else x
        total = torch.cumsum(ordered, axis, dtype=x.dtype)
        if exclusive and x.shape[axis]:
            zero = torch.zeros_like(total.narrow(axis, 0, 1))
            total = torch.cat((zero, total.narrow(axis, 0, x.shape[axis] - 1)), axis)
        return total.flip(axis) if reverse else total

    value = node.required(0)
    return Prepared(widened(evaluate, value.dtype), (value, node.required(1)), control_from=1)


def topk(node: Node) -> Prepared:
    """The k greatest or least elements along one axis, sorted, with their indices; equal ones in their input order."""
    axis = single_axis(node, node.layer.axes)
    greatest = node.layer.op.name == "MAX"
    dtype = indices_dtype(node)

    def evaluate(x: torch.Tensor, k: torch.Tensor | tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        values, indices = torch.sort(x, dim=axis, descending=greatest, stable=True)
        count = ints(k)[0]
        return values.narrow(axis, 0, count), indices.narrow(axis, 0, count).to(dtype)

    dynamic: Value | None = node.input(1)
    count: Argument = dynamic if dynamic is not None else (int(node.layer.k),)
    return Prepared(evaluate, (node.required(0), count), control_from=1)


EVALUATORS: dict[str, Evaluator] = {
    "REDUCE": reduce,
    "SOFTMAX": softmax,
    "RAGGED_SOFTMAX": ragged_softmax,
    "CUMULATIVE": cumulative,
    "TOPK": topk,
}
