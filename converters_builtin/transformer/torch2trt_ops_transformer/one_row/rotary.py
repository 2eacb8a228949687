"""Rotary embeddings, as models of transformers write them."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch2trt import Ref

from .program import Calls, aten


class Turned(NamedTuple):
    """Rows ``[1, heads, 1, size]`` of which pairs of numbers, half a row apart, are turned."""

    rows: Ref
    #: ``[1, 1, 1, size]``
    cos: Ref
    sin: Ref


def turned(ref: Any, calls: Calls) -> Turned | None:
    """What a value is made of, where it is ``x * cos + cat([-x[half:], x[:half]]) * sin``."""
    for straight, crossed in calls.pairs(calls.made(ref, aten.add.Tensor)):
        for rows, cos in calls.pairs(calls.made(straight, aten.mul.Tensor)):
            for halves, sin in calls.pairs(calls.made(crossed, aten.mul.Tensor)):
                if _is_crossed(halves, rows, calls) and _is_row(cos, rows, calls) and _is_row(sin, rows, calls):
                    return Turned(rows, cos, sin)
    return None


def _is_crossed(ref: Any, rows: Any, calls: Calls) -> bool:
    """Whether a value has the second half of rows, negative, and then the first."""
    joined = calls.made(ref, aten.cat.default)
    if joined is None or len(joined.operands[0][0]) != 2 or joined.operands[0][1:] not in ((-1,), (3,)):
        return False
    second, first = joined.operands[0][0]
    negative = calls.made(second, aten.neg.default)
    size = joined.result.shape[-1]
    return negative is not None and [_half(one, rows, calls) for one in (negative.operands[0][0], first)] == [
        (size // 2, size),
        (0, size // 2),
    ]


def _half(ref: Any, rows: Any, calls: Calls) -> tuple[int, int] | None:
    """Where a part of rows begins and ends."""
    part = calls.made(ref, aten.slice.Tensor)
    if part is None or part.operands[0][0] != rows or len(part.operands[0]) != 4 or part.operands[0][1] not in (-1, 3):
        return None
    begin, end = part.operands[0][2:]
    return begin or 0, min(end, part.args[0].shape[-1])


def _is_row(ref: Any, rows: Any, calls: Calls) -> bool:
    """Whether a value is one for each number of a row."""
    if not isinstance(ref, Ref) or not isinstance(rows, Ref):
        return False
    value, given = calls.value(ref), calls.value(rows)
    is_row = given.dim() == 4 and tuple(value.shape) == (1, 1, 1, given.shape[-1])
    return is_row and given.shape[-1] % 2 == 0 and value.dtype == given.dtype
