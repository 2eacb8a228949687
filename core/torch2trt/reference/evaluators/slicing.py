"""SLICE (every sample mode), PADDING and REVERSE_SEQUENCE."""

from __future__ import annotations

import torch

from ..errors import InterpreterError
from ..network import Node
from .base import Evaluator, Prepared, as_bits, dims_or_input, ints, required_dims
from .padding import pad

_Numbers = torch.Tensor | tuple[int, ...]


def slice_(node: Node) -> Prepared:
    """Element ``start + i * stride`` of each axis, ``size`` of them; strides may be negative, and 0 repeats.

    Coordinates are never counted from the end.  Outside the input STRICT_BOUNDS is an error, FILL gives the fill
    value (0 by default), CLAMP the nearest element, WRAP goes round, and REFLECT mirrors at the centre of the outermost
    element.  ``axes`` says which axes the numbers are for; the others are taken whole.
    """
    mode = node.layer.mode.name
    described = str(node)
    start = dims_or_input(node, 1, "start")
    size = dims_or_input(node, 2, "shape")
    stride = dims_or_input(node, 3, "stride")
    axes = dims_or_input(node, 5, "axes")

    def evaluate(
        x: torch.Tensor,
        start: _Numbers,
        size: _Numbers,
        stride: _Numbers | None,
        fill: torch.Tensor | None,
        axes: _Numbers | None,
    ) -> torch.Tensor:
        starts, sizes = ints(start), ints(size)
        strides = [1] * len(starts) if stride is None else ints(stride)
        where = range(x.dim()) if axes is None else [axis % x.dim() for axis in ints(axes)]
        outside: torch.Tensor | None = None
        for axis, first, count, step in zip(where, starts, sizes, strides, strict=True):
            extent = x.shape[axis]
            last = first + (count - 1) * step
            if count == 0 or (0 <= first < extent and 0 <= last < extent):
                x = _inside(x, axis, first, count, step)
                continue
            if mode == "STRICT_BOUNDS":
                raise InterpreterError(
                    f"{described}: elements {first}..{last} of axis {axis} lie outside its extent {extent}"
                )
            index = first + torch.arange(count, device=x.device) * step
            if mode == "FILL":
                beyond = (index < 0) | (index >= extent)
                beyond = beyond.reshape([count if i == axis else 1 for i in range(x.dim())])
                outside = beyond if outside is None else outside | beyond
                x = _clamped(x, axis, index)
            else:
                x = x.index_select(axis, _sampled(index, extent, mode))
        if outside is not None:
            x = x.masked_fill(outside, 0 if fill is None else fill.to(x.device).reshape(()))
        return x

    value = node.required(0)
    arguments = (value, start, size, stride, node.input(4), axes)
    return Prepared(as_bits(evaluate, value.dtype), arguments, control_from=1)


def _inside(x: torch.Tensor, axis: int, first: int, count: int, step: int) -> torch.Tensor:
    if count == 0:
        return x.narrow(axis, 0, 0)
    if step > 0:
        return x.narrow(axis, first, (count - 1) * step + 1)[(slice(None),) * axis + (slice(None, None, step),)]
    if step == 0:
        return x.narrow(axis, first, 1).expand([count if i == axis else n for i, n in enumerate(x.shape)])
    return x.index_select(axis, first + torch.arange(count, device=x.device) * step)


def _clamped(x: torch.Tensor, axis: int, index: torch.Tensor) -> torch.Tensor:
    if x.shape[axis] == 0:
        return x.new_zeros([len(index) if i == axis else n for i, n in enumerate(x.shape)])
    return x.index_select(axis, index.clamp(0, x.shape[axis] - 1))


def _sampled(index: torch.Tensor, extent: int, mode: str) -> torch.Tensor:
    if extent == 0:
        raise InterpreterError(f"nothing to sample: the extent is 0 in a slice of mode {mode}")
    if mode == "CLAMP":
        return index.clamp(0, extent - 1)
    if mode == "WRAP":
        return index % extent
    period = max(2 * (extent - 1), 1)
    folded = index % period
    return torch.where(folded < extent, folded, period - folded)


def padding(node: Node) -> Prepared:
    """Zeros around the last two axes; negative amounts trim."""
    before = required_dims(node, node.layer.pre_padding_nd)
    after = required_dims(node, node.layer.post_padding_nd)
    sides = list(zip(before, after, strict=True))
    value = node.required(0)
    return Prepared(as_bits(lambda x: pad(x, sides), value.dtype), (value,))


def reverse_sequence(node: Node) -> Prepared:
    """The first ``lengths[i]`` elements along the sequence axis in reverse, for each i of the batch axis."""
    batch, sequence = int(node.layer.batch_axis), int(node.layer.sequence_axis)

    def evaluate(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        moved = x.movedim((batch, sequence), (0, 1))
        position = torch.arange(moved.shape[1], device=x.device)
        wanted = lengths.to(torch.int64)[:, None]
        index = torch.where(position < wanted, wanted - 1 - position, position)
        rows = torch.arange(moved.shape[0], device=x.device)[:, None]
        return moved[rows, index].movedim((0, 1), (batch, sequence))

    value = node.required(0)
    return Prepared(as_bits(evaluate, value.dtype), (value, node.required(1)))


EVALUATORS: dict[str, Evaluator] = {"SLICE": slice_, "PADDING": padding, "REVERSE_SEQUENCE": reverse_sequence}
