"""Values of inputs as numbers of the program: their ranges, and PyTorch's bookkeeping of unknown ones."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch
from torch.fx.experimental import _config
from torch.utils import _pytree as pytree
from torch.utils._sympy.value_ranges import ValueRanges

from ..program.leaves import UNBOUNDED
from ..program.program import Program
from ..program.values import readings
from .inputs import Example

_PENDING: Final = "Pending unbacked symbols"


@contextlib.contextmanager
def unknown_offsets() -> Iterator[None]:
    """Let PyTorch trace views that begin at a number which only the run knows.

    It makes a symbol for where such a view begins in its memory, and takes it for a fault when the functional
    program, which has no views, does not return it.
    """
    config: Any = _config
    if not hasattr(config, "soft_pending_unbacked_not_found_error"):
        yield
        return
    logger = logging.getLogger("torch.fx.experimental.symbolic_shapes")

    def other(record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(_PENDING)

    logger.addFilter(other)
    try:
        with config.patch(soft_pending_unbacked_not_found_error=True):
            yield
    finally:
        logger.removeFilter(other)


def with_values(program: Program, example: Example) -> Program:
    """``program`` with the ranges that ``torch._check`` and PyTorch state for values of its inputs in the signature.

    Args:
        program: the program, whose signature has the ranges of the sizes.
        example: its values are the usual ones; of an ``Input``, which has none, the largest are.
    """
    bounds: dict[str, dict[int, ValueRanges[Any]]] = {}
    for reading in readings(program):
        if reading.element is not None and (stated := _bounds(reading.call.result)) is not None:
            (name,) = reading.inputs
            of_input = bounds.setdefault(name, {})
            of_input[reading.element] = stated & of_input.get(reading.element, stated)
    if not bounds:
        return program
    signature = program.signature
    assert signature is not None
    values = pytree.tree_leaves((example.args, example.kwargs))
    leaves = zip(signature.input_leaves, values, strict=True)
    usual = {leaf.name: value for index, (leaf, value) in enumerate(leaves) if index not in example.described}
    usual |= program.state
    inputs = [
        dataclasses.replace(spec, values=_values(program.inputs[spec.name], bounds[spec.name], usual.get(spec.name)))
        if spec.name in bounds
        else spec
        for spec in signature.inputs
    ]
    return dataclasses.replace(program, signature=dataclasses.replace(signature, inputs=tuple(inputs)))


def _bounds(number: Any) -> ValueRanges[Any] | None:
    """The range of an integer that is read."""
    if isinstance(number, int):
        return ValueRanges(number, number)
    if not isinstance(number, torch.SymInt):
        return None
    environment = number.node.shape_env
    assert environment is not None
    return environment.bound_sympy(number.node.expr)


def _values(
    example: torch.Tensor, bounds: Mapping[int, ValueRanges[Any]], usual: torch.Tensor | None
) -> tuple[tuple[int, int, int], ...]:
    """``(min, opt, max)`` of every element of an input; none where nothing bounds any of them."""
    ranges = []
    for element in range(example.numel()):
        limits = bounds.get(element, ValueRanges.unknown_int())
        low = int(limits.lower) if limits.lower.is_Integer else -UNBOUNDED
        high = int(limits.upper) if limits.upper.is_Integer else UNBOUNDED
        best = high if usual is None else int(usual.reshape(-1)[element])
        ranges.append((low, min(max(best, low), high), high))
    unbounded = all(low == -UNBOUNDED and high == UNBOUNDED for low, _, high in ranges)
    return () if unbounded else tuple(ranges)
