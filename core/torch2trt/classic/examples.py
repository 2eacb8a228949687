"""The inputs of the classic function as those of ``convert``: ranges of shapes, and data sets in place of tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch

from ..capture.described import Input
from ..errors import InputError
from .dataset import Dataset

#: one shape for each tensor, nested as the inputs are
Shapes: TypeAlias = Any


def first_item(inputs: Any) -> Any:
    """Example inputs: those given, or the first item of a data set."""
    if not isinstance(inputs, Dataset):
        return inputs
    if len(inputs) == 0:
        raise InputError("the data set of inputs is empty; insert at least one item")
    return inputs[0]


def described(inputs: Any, low: Shapes, best: Shapes, high: Shapes, max_batch_size: int | None) -> Any:
    """Inputs for ``convert``: an ``Input`` for each tensor whose sizes vary, the others as they are.

    Args:
        inputs: tensors, nested in sequences and mappings, or a data set of such.
        low, best, high: the shapes that were asked for; of a data set, by default those of its items.
        max_batch_size: the first size of every tensor varies from 1 to this.

    Raises:
        InputError: shapes that do not fit the inputs.
    """
    if isinstance(inputs, Dataset) and len(inputs) > 1:
        low = inputs.min_shapes() if low is None else low
        best = inputs.median_numel_shapes() if best is None else best
        high = inputs.max_shapes() if high is None else high
    example = first_item(inputs)
    if low is best is high is max_batch_size is None:
        return example
    if isinstance(example, torch.Tensor):
        example, *shapes = [example], *([one] if _is_shape(one) else one for one in (low, best, high))
        low, best, high = shapes
    return _described(example, (low, best, high), max_batch_size)


def _described(value: Any, shapes: tuple[Shapes, Shapes, Shapes], max_batch_size: int | None) -> Any:
    if isinstance(value, torch.Tensor):
        return _ranged(value, *shapes, max_batch_size)
    if isinstance(value, Mapping):
        return {key: _described(one, _each(shapes, key, value), max_batch_size) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(
            [_described(one, _each(shapes, index, value), max_batch_size) for index, one in enumerate(value)]
        )
    return value


def _each(shapes: Sequence[Shapes], key: Any, value: Any) -> Any:
    """The shapes of one item of nested inputs."""
    if any(one is not None and len(one) != len(value) for one in shapes):
        raise InputError(f"min_shapes, opt_shapes and max_shapes need one shape for each of {len(value)} inputs")
    try:
        return tuple(None if one is None else one[key] for one in shapes)
    except (KeyError, TypeError) as error:
        raise InputError(f"min_shapes, opt_shapes and max_shapes are not nested as the inputs are: {error!r}") from None


def _ranged(tensor: torch.Tensor, low: Shapes, best: Shapes, high: Shapes, max_batch_size: int | None) -> Any:
    """A tensor whose sizes vary as asked: between the shapes given, else from those of the example to them."""
    shape = tuple(tensor.shape)
    smallest, usual, largest = (shape if one is None else tuple(one) for one in (low, best, high))
    if max_batch_size is not None:
        smallest, largest = (1, *smallest[1:]), (max_batch_size, *largest[1:])
        usual = (min(usual[0], max_batch_size), *usual[1:])
    if smallest == usual == largest == shape:
        return tensor
    if best is None:  # the example may be smaller or larger than what was asked for
        usual = tuple(min(max(size, a), b) for size, a, b in zip(usual, smallest, largest, strict=True))
    return Input(min=smallest, opt=usual, max=largest, dtype=tensor.dtype)


def _is_shape(value: Any) -> bool:
    return value is None or all(isinstance(size, int) for size in value)
