"""GATHER and SCATTER (every mode), ONE_HOT and NON_ZERO.

Negative indices count from the end.  An index that is out of range gives 0 in a gather, as TensorRT documents; in a
scatter TensorRT leaves it undefined, and this interpreter drops the update.
"""

from __future__ import annotations

import math

import torch

from ..errors import UnsupportedLayerError
from ..layers import Node
from .base import Evaluator, Kernel, Prepared, as_bits, indices_dtype, ints


def _wrapped(indices: torch.Tensor, extent: int) -> torch.Tensor:
    indices = indices.to(torch.int64)
    return torch.where(indices < 0, indices + extent, indices)


def _checked(indices: torch.Tensor, extent: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices that are safe to use, and a mask of those that were out of range."""
    wrapped = _wrapped(indices, extent)
    invalid = (wrapped < 0) | (wrapped >= extent)
    return wrapped.masked_fill(invalid, 0), invalid


def _zeroed(gathered: torch.Tensor, invalid: torch.Tensor) -> torch.Tensor:
    """0 where an index was out of range; on the CPU, where the test needs no synchronization, only if one was."""
    if not invalid.is_cuda and not invalid.any():
        return gathered
    return gathered.masked_fill(invalid, 0)


def _take(x: torch.Tensor, indices: torch.Tensor, axis: int) -> torch.Tensor:
    """``x`` with ``axis`` replaced by the axes of the indices; 0 where an index is out of range."""
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if x.shape[axis] == 0:
        return x.new_zeros(shape)
    safe, invalid = _checked(indices, x.shape[axis])
    gathered = x.index_select(axis, safe.reshape(-1)).reshape(shape)
    return _zeroed(gathered, invalid.reshape((*invalid.shape, *(1,) * (x.dim() - axis - 1))))


def _gather_default(axis: int, elementwise: int) -> Kernel:
    def evaluate(x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        if not elementwise:
            return _take(x, indices, axis)
        if not x.shape[0]:
            return x.new_zeros((0, *x.shape[1:axis], *indices.shape[1:], *x.shape[axis + 1 :]))
        rows = zip(x, indices.expand(x.shape[0], *indices.shape[1:]), strict=True)
        return torch.stack([_take(row, index, axis - 1) for row, index in rows])

    return evaluate


def _gather_elements(axis: int) -> Kernel:
    def evaluate(x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        if x.shape[axis] == 0:
            return x.new_zeros(indices.shape)
        safe, invalid = _checked(indices, x.shape[axis])
        return _zeroed(torch.gather(x, axis, safe), invalid)

    return evaluate


def _linear(indices: torch.Tensor, extents: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Row numbers over ``extents`` of the index tuples in the last axis, and a mask of those out of range."""
    row = torch.zeros(indices.shape[:-1], dtype=torch.int64, device=indices.device)
    invalid = torch.zeros_like(row, dtype=torch.bool)
    for position, extent in enumerate(extents):
        safe, outside = _checked(indices[..., position], extent)
        row, invalid = row * extent + safe, invalid | outside
    return row, invalid


def _gather_nd(elementwise: int) -> Kernel:
    def evaluate(x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        depth = indices.shape[-1]
        batch, inner = list(x.shape[:elementwise]), list(x.shape[elementwise + depth :])
        extents = list(x.shape[elementwise : elementwise + depth])
        shape = (*indices.shape[:-1], *inner)
        if x.numel() == 0 or (indices.numel() == 0 and depth):
            return x.new_zeros(shape)
        row, invalid = _linear(indices, extents)
        per_batch = math.prod(extents)
        offset = torch.arange(math.prod(batch), device=x.device).reshape((*batch, *(1,) * (row.dim() - elementwise)))
        flat = x.reshape(math.prod(batch) * per_batch, -1)
        gathered = flat.index_select(0, (row + offset * per_batch).reshape(-1)).reshape(shape)
        return _zeroed(gathered, invalid.reshape((*invalid.shape, *(1,) * len(inner))))

    return evaluate


def gather(node: Node) -> Prepared:
    """DEFAULT, ELEMENT and ND, which are ONNX's Gather, GatherElements and GatherND."""
    layer = node.layer
    value = node.required(0)
    mode, elementwise = layer.mode.name, int(layer.num_elementwise_dims)
    if mode == "ND":
        kernel = _gather_nd(elementwise)
    elif mode == "ELEMENT":
        kernel = _gather_elements(layer.axis % value.rank)
    else:
        kernel = _gather_default(layer.axis % value.rank, elementwise)
    return Prepared(as_bits(kernel, value.dtype), (value, node.required(1)))


def _scatter_elements(axis: int) -> Kernel:
    def evaluate(x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor) -> torch.Tensor:
        extent = x.shape[axis]
        wrapped = _wrapped(indices, extent)
        invalid = (wrapped < 0) | (wrapped >= extent)
        spare = x.new_zeros([1 if i == axis else n for i, n in enumerate(x.shape)])
        wider = torch.cat((x, spare), axis)  # updates out of range go to the spare slice
        return wider.scatter(axis, wrapped.masked_fill(invalid, extent), updates).narrow(axis, 0, extent)

    return evaluate


def _scatter_nd(x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor) -> torch.Tensor:
    depth = indices.shape[-1]
    if x.numel() == 0 or updates.numel() == 0:
        return x
    rows = math.prod(x.shape[:depth])
    flat = x.reshape(rows, -1)
    row, invalid = _linear(indices, list(x.shape[:depth]))
    wider = torch.cat((flat, flat.new_zeros((1, flat.shape[1]))))
    wider[row.masked_fill(invalid, rows).reshape(-1)] = updates.reshape(-1, flat.shape[1])
    return wider[:rows].reshape(x.shape)


def scatter(node: Node) -> Prepared:
    """ELEMENT and ND, which are ONNX's ScatterElements and ScatterND; the data are not modified.

    If two updates have the same index, TensorRT leaves undefined which one stays.
    """
    value = node.required(0)
    mode = node.layer.mode.name
    kernel = _scatter_nd if mode == "ND" else _scatter_elements(node.layer.axis % value.rank)
    return Prepared(as_bits(kernel, value.dtype), (value, node.required(1), node.required(2)))


def one_hot(node: Node) -> Prepared:
    """``values[1]`` where the position in the new axis is the index, else ``values[0]``.

    An index out of range matches no position.
    """
    rank = node.required(0).rank + 1
    axis = node.layer.axis % rank

    def evaluate(indices: torch.Tensor, values: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        extent = ints(depth)[0]
        classes = torch.arange(extent, device=indices.device).reshape(-1, *(1,) * (rank - 1 - axis))
        matches = _wrapped(indices, extent).unsqueeze(axis) == classes
        return torch.where(matches, values[1], values[0])

    arguments = (node.required(0), node.required(1), node.required(2))
    return Prepared(evaluate, arguments, control_from=2)


def non_zero(node: Node) -> Prepared:
    """The coordinates of the nonzero elements, (rank, count), in row-major order; NaN counts as nonzero."""
    dtype = indices_dtype(node)
    if node.required(0).rank == 0:
        raise UnsupportedLayerError(f"{node}: a scalar has no coordinates")
    return Prepared(lambda x: torch.nonzero(x).t().to(dtype).contiguous(), (node.required(0),))


EVALUATORS: dict[str, Evaluator] = {
    "GATHER": gather,
    "SCATTER": scatter,
    "ONE_HOT": one_hot,
    "NON_ZERO": non_zero,
}
