"""Caches that a call writes one token of: attention reads them as they were, and the token beside them.

So that no cache is copied before attention reads it, and all that are parts of one tensor are written at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from torch2trt import Call, Program, Ref

from .program import Calls, aten, like, without_unused

_HEADS, _TOKENS = 1, 2


class Written(NamedTuple):
    """Keys or values ``[1, heads, length, size]`` of which one token is another one."""

    cache: Ref
    #: ``[1]``, which
    place: Ref
    #: ``[1, heads, 1, size]``
    token: Ref


def written(ref: Any, calls: Calls) -> Written | None:
    """What a value is made of, where it is a cache with a token that is written to one place in all heads."""
    call = calls.made(calls.origin(ref), aten.index_put.default)
    if call is None or len(call.operands[0]) != 3 or len(call.operands[0][1]) != 3:
        return None
    (cache, indices, token), (known, (_, heads, place), new) = call.operands[0], call.args[:3]
    own = known.shape[_HEADS] if known.dim() == 4 else None
    shapes = tuple(heads.shape) == (own, 1) and tuple(place.shape) == (1,) and known.shape[0] == 1
    is_token = tuple(new.shape) == (1, own, 1, known.shape[-1]) and new.dtype == known.dtype
    every = _counts(indices[0], 1, calls) and _counts(indices[1], own, calls)
    return Written(cache, indices[2], token) if shapes and is_token and every else None


def _counts(ref: Any, size: Any, calls: Calls) -> bool:
    """Whether a value is 0, 1, 2, ... up to a size, in whichever dimension."""
    while (added := calls.made(ref, aten.unsqueeze.default)) is not None:
        ref = added.operands[0][0]
    call = calls.made(ref, aten.arange.start_step, aten.arange.start, aten.arange.default)
    # with a step there are three
    return call is not None and call.operands[0] in ((0, size), (size,))


def with_caches(program: Program) -> Program | None:
    """The program with caches that are joined behind their writing written as one; None where it has none."""
    calls, found = Calls(program), False
    made: list[Call] = []
    for call in program.calls:
        joined = _joined(call, calls)
        found = found or joined is not None
        made += [call] if joined is None else joined
    return without_unused(program, made) if found else None


def _joined(call: Call, calls: Calls) -> Iterable[Call] | None:
    """Of a call that joins the parts of one tensor, each of which is written: calls that write the whole."""
    operands = call.operands[0]
    if call.target.obj is not aten.cat.default or (len(operands) > 1 and operands[1] != 0):
        return None
    parts = [written(ref, calls) for ref in operands[0]]
    if not parts or None in parts or len({part.place for part in parts if part}) != 1:
        return None
    wholes = [_part_of(part.cache, calls) for part in parts if part]
    if wholes != [(wholes[0][0], index) for index in range(len(parts))] or wholes[0][0] is None:
        return None
    whole, place, tokens = wholes[0][0], parts[0].place, [part.token for part in parts if part]  # type: ignore[union-attr]
    shape, value = list(call.result.shape), calls.value(whole)
    if value.numel() != call.result.numel():
        return None
    views = like(call, aten.view.default, f"{call.name}_before", (whole, shape), (value, shape), shape)
    sizes = [*shape[:_TOKENS], 1, *shape[_TOKENS + 1 :]]
    token = like(call, aten.cat.default, f"{call.name}_tokens", (tokens,), ([*map(calls.value, tokens)],), sizes)
    given = Ref("call", views.name), _TOKENS, place, Ref("call", token.name)
    values = views.result, _TOKENS, calls.value(place), token.result
    return [views, token, like(call, aten.index_copy.default, call.name, given, values, shape)]


def _part_of(ref: Any, calls: Calls) -> tuple[Any, int]:
    """The tensor that a value is an element of in the first dimension, and which."""
    if (picked := calls.made(ref, aten.select.int)) is not None and picked.operands[0][1] == 0:
        return picked.operands[0][0], picked.operands[0][2]
    squeezed = calls.made(ref, aten.squeeze.dims)
    part = squeezed and calls.made(squeezed.operands[0][0], aten.slice.Tensor)
    if not squeezed or not part or list(squeezed.operands[0][1]) != [0]:
        return None, -1
    whole, dim, begin, end = part.operands[0][:4]
    return (whole, begin) if dim == 0 and end == begin + 1 and len(part.operands[0]) == 4 else (None, -1)
