"""GATHER and SCATTER (every mode), ONE_HOT and NON_ZERO.

Negative indices count from the end.  Beyond that a gather gives 0, as TensorRT documents; it leaves an update beyond
the data open, and this interpreter drops it.
"""

from __future__ import annotations

import math

import torch

from ..dtypes import torch_dtype
from ..errors import UnsupportedLayerError
from ..network import Node
from .base import Evaluator, Kernel, Prepared, as_bits, ints


def _wrapped(indices: torch.Tensor, extent: int) -> torch.Tensor:
    indices = indices.to(torch.int64)
    return torch.where(indices < 0, indices + extent, indices)


def _checked(indices: torch.Tensor, extent: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices that are safe to use, and where they were beyond the extent."""
    wrapped = _wrapped(indices, extent)
    beyond = (wrapped < 0) | (wrapped >= extent)
    return wrapped.masked_fill(beyond, 0), beyond


def _zeroed(taken: torch.Tensor, beyond: torch.Tensor) -> torch.Tensor:
    """0 where an index was beyond; on the CPU, where asking costs little, untouched if none was."""
    if not beyond.is_cuda and not beyond.any():
        return taken
    return taken.masked_fill(beyond, 0)


def _take(x: torch.Tensor, indices: torch.Tensor, axis: int) -> torch.Tensor:
    """Slices of ``x`` along ``axis`` in the place of that axis; 0 for what is beyond."""
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if x.shape[axis] == 0:
        return x.new_zeros(shape)
    safe, beyond = _checked(indices, x.shape[axis])
    taken = x.index_select(axis, safe.reshape(-1)).reshape(shape)
    spread = beyond.reshape((*beyond.shape, *(1,) * (x.dim() - axis - 1)))
    return _zeroed(taken, spread)


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
        safe, beyond = _checked(indices, x.shape[axis])
        return _zeroed(torch.gather(x, axis, safe), beyond)

    return evaluate


def _linear(indices: torch.Tensor, extents: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Row numbers over ``extents`` of index tuples in the last axis, and which tuples are beyond."""
    row = torch.zeros(indices.shape[:-1], dtype=torch.int64, device=indices.device)
    beyond = torch.zeros_like(row, dtype=torch.bool)
    for position, extent in enumerate(extents):
        safe, outside = _checked(indices[..., position], extent)
        row, beyond = row * extent + safe, beyond | outside
    return row, beyond


def _gather_nd(elementwise: int) -> Kernel:
    def evaluate(x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        depth = indices.shape[-1]
        shared, inner = list(x.shape[:elementwise]), list(x.shape[elementwise + depth :])
        extents = list(x.shape[elementwise : elementwise + depth])
        shape = (*indices.shape[:-1], *inner)
        if x.numel() == 0 or (indices.numel() == 0 and depth):
            return x.new_zeros(shape)
        row, beyond = _linear(indices, extents)
        per_batch = math.prod(extents)
        offset = torch.arange(math.prod(shared), device=x.device).reshape((*shared, *(1,) * (row.dim() - elementwise)))
        flat = x.reshape(math.prod(shared) * per_batch, -1)
        taken = flat.index_select(0, (row + offset * per_batch).reshape(-1)).reshape(shape)
        return _zeroed(taken, beyond.reshape((*beyond.shape, *(1,) * len(inner))))

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
        wrapped = _wrapped(indices, x.shape[axis])
        beyond = (wrapped < 0) | (wrapped >= x.shape[axis])
        spare = x.new_zeros([1 if i == axis else n for i, n in enumerate(x.shape)])
        wider = torch.cat((x, spare), axis)  # what is beyond goes to the spare slice
        return wider.scatter(axis, wrapped.masked_fill(beyond, x.shape[axis]), updates).narrow(axis, 0, x.shape[axis])

    return evaluate


def _scatter_nd(x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor) -> torch.Tensor:
    depth = indices.shape[-1]
    if x.numel() == 0 or updates.numel() == 0:
        return x
    rows = math.prod(x.shape[:depth])
    flat = x.reshape(rows, -1)
    row, beyond = _linear(indices, list(x.shape[:depth]))
    wider = torch.cat((flat, flat.new_zeros((1, flat.shape[1]))))
    wider[row.masked_fill(beyond, rows).reshape(-1)] = updates.reshape(-1, flat.shape[1])
    return wider[:rows].reshape(x.shape)


def scatter(node: Node) -> Prepared:
    """ELEMENT and ND, which are ONNX's ScatterElements and ScatterND; the data are not changed.

    Where two updates meet, TensorRT leaves open which one stays.
    """
    value = node.required(0)
    mode = node.layer.mode.name
    kernel = _scatter_nd if mode == "ND" else _scatter_elements(node.layer.axis % value.rank)
    return Prepared(as_bits(kernel, value.dtype), (value, node.required(1), node.required(2)))


def one_hot(node: Node) -> Prepared:
    """``values[1]`` where the new axis is the index, else ``values[0]``; an index beyond the depth matches nothing."""
    rank = node.required(0).rank + 1
    axis = node.layer.axis % rank

    def evaluate(indices: torch.Tensor, values: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        extent = ints(depth)[0]
        classes = torch.arange(extent, device=indices.device).reshape(-1, *(1,) * (rank - 1 - axis))
        hit = _wrapped(indices, extent).unsqueeze(axis) == classes
        return torch.where(hit, values[1], values[0])

    arguments = (node.required(0), node.required(1), node.required(2))
    return Prepared(evaluate, arguments, control_from=2)


def non_zero(node: Node) -> Prepared:
    """The coordinates of what is not 0: (rank, count), in row-major order; NaN is not 0."""
    chosen = getattr(node.layer, "indices_type", None)  # an older TensorRT has int32 only
    dtype = torch.int32 if chosen is None else torch_dtype(chosen)
    if node.required(0).rank == 0:
        raise UnsupportedLayerError(f"{node}: a scalar has no coordinates")
    return Prepared(lambda x: torch.nonzero(x).t().to(dtype).contiguous(), (node.required(0),))


EVALUATORS: dict[str, Evaluator] = {
    "GATHER": gather,
    "SCATTER": scatter,
    "ONE_HOT": one_hot,
    "NON_ZERO": non_zero,
}
