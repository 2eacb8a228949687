"""SLICE (every sample mode), PADDING and REVERSE_SEQUENCE."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..errors import InterpreterError
from ..layers import Node
from .base import Evaluator, Prepared, as_bits, dims_or_input, ints, required_dims
from .padding import pad

_Numbers = torch.Tensor | tuple[int, ...]


def slice_(node: Node) -> Prepared:
    """The elements ``start + i * stride`` of each axis, ``size`` of them; a stride may be negative, or 0 to repeat.

    Negative coordinates do not count from the end.  Outside the input STRICT_BOUNDS is an error, FILL gives the fill
    value (0 by default), CLAMP the nearest element, WRAP continues at the other end, and REFLECT mirrors at the center
    of the outermost element.  Axes that ``axes`` does not name are not sliced.
    """
    value = node.required(0)
    start, size, stride, axes = (
        dims_or_input(node, index, name) for index, name in ((1, "start"), (2, "shape"), (3, "stride"), (5, "axes"))
    )
    kernel = _Slice(node.layer.mode.name, str(node)).evaluate
    return Prepared(as_bits(kernel, value.dtype), (value, start, size, stride, node.input(4), axes), control_from=1)


@dataclass(frozen=True, slots=True)
class _Slice:
    """The sample mode of one slice; ``layer`` names it in errors."""

    mode: str
    layer: str

    def evaluate(
        self,
        x: torch.Tensor,
        start: _Numbers,
        size: _Numbers,
        stride: _Numbers | None,
        fill: torch.Tensor | None,
        axes: _Numbers | None,
    ) -> torch.Tensor:
        """Slice axis by axis; the fill value comes last, because a mask of each axis is needed for it."""
        starts, sizes = ints(start), ints(size)
        strides = [1] * len(starts) if stride is None else ints(stride)
        sliced = range(x.dim()) if axes is None else [axis % x.dim() for axis in ints(axes)]
        outside: torch.Tensor | None = None
        for axis, first, count, step in zip(sliced, starts, sizes, strides, strict=True):
            x, mask = self._along(x, axis, first, count, step)
            if mask is not None:
                outside = mask if outside is None else outside | mask
        if outside is not None:
            x = x.masked_fill(outside, 0 if fill is None else fill.to(x.device).reshape(()))
        return x

    def _along(
        self, x: torch.Tensor, axis: int, start: int, size: int, stride: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The slice along one axis, and for FILL a mask of what lies outside the input."""
        extent = x.shape[axis]
        last = start + (size - 1) * stride
        if size == 0 or (0 <= start < extent and 0 <= last < extent):
            return _inside(x, axis, start, size, stride), None
        if self.mode == "STRICT_BOUNDS":
            raise InterpreterError(
                f"{self.layer}: elements {start}..{last} of axis {axis} lie outside its extent {extent}"
            )
        index = start + torch.arange(size, device=x.device) * stride
        if self.mode != "FILL":
            return x.index_select(axis, _sampled(index, extent, self.mode)), None
        mask = ((index < 0) | (index >= extent)).reshape([size if i == axis else 1 for i in range(x.dim())])
        return _clamped(x, axis, index), mask


def _inside(x: torch.Tensor, axis: int, start: int, size: int, stride: int) -> torch.Tensor:
    if size == 0:
        return x.narrow(axis, 0, 0)
    if stride > 0:
        return x.narrow(axis, start, (size - 1) * stride + 1)[(slice(None),) * axis + (slice(None, None, stride),)]
    if stride == 0:
        return x.narrow(axis, start, 1).expand([size if i == axis else n for i, n in enumerate(x.shape)])
    return x.index_select(axis, start + torch.arange(size, device=x.device) * stride)


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
    pre = required_dims(node, node.layer.pre_padding_nd)
    post = required_dims(node, node.layer.post_padding_nd)
    sides = list(zip(pre, post, strict=True))
    value = node.required(0)
    return Prepared(as_bits(lambda x: pad(x, sides), value.dtype), (value,))


def reverse_sequence(node: Node) -> Prepared:
    """Reverse the first ``lengths[i]`` elements along the sequence axis, for each i of the batch axis."""
    batch, sequence = int(node.layer.batch_axis), int(node.layer.sequence_axis)

    def evaluate(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        moved = x.movedim((batch, sequence), (0, 1))
        position = torch.arange(moved.shape[1], device=x.device)
        length = lengths.to(torch.int64)[:, None]
        index = torch.where(position < length, length - 1 - position, position)
        rows = torch.arange(moved.shape[0], device=x.device)[:, None]
        return moved[rows, index].movedim((0, 1), (batch, sequence))

    value = node.required(0)
    return Prepared(as_bits(evaluate, value.dtype), (value, node.required(1)))


EVALUATORS: dict[str, Evaluator] = {"SLICE": slice_, "PADDING": padding, "REVERSE_SEQUENCE": reverse_sequence}
