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
    if call is None or call.kwargs or len(call.operands[0]) != 3 or len(call.operands[0][1]) != 3:
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
    """The program with buffers whose parts are caches that are written, as written at once; None where it has none."""
    calls, found = Calls(program), False
    made: list[Call] = []
    for call in program.calls:
        whole = _whole(call, calls)
        found = found or whole is not None
        made += [call] if whole is None else whole
    return without_unused(program, made) if found else None


def _whole(call: Call, calls: Calls) -> Iterable[Call] | None:
    """Of a call that gives a tensor new values, which are its own parts with a token written: calls that do it."""
    if call.target.obj is not aten.copy.default or len(call.operands[0]) != 2:
        return None
    (whole, new), (known, _) = call.operands[0], call.args
    joined = calls.made(new, aten.view.default, aten.reshape.default)
    parts = joined and calls.made(joined.operands[0][0], aten.cat.default)
    if not joined or not parts or joined.result.shape != known.shape or parts.operands[0][1:] not in ((), (0,)):
        return None
    tokens = [written(ref, calls) for ref in parts.operands[0][0]]
    if None in tokens or len({token.place for token in tokens if token}) != 1 or joined.result.dtype != known.dtype:
        return None
    given = [token for token in tokens if token]
    if [_part_of(token.cache, calls) for token in given] != [(whole, index) for index in range(known.shape[0])]:
        return None
    refs, shape, place = [token.token for token in given], list(known.shape), given[0].place
    sizes = [*shape[: _TOKENS + 1], 1, *shape[_TOKENS + 2 :]]
    flat = [shape[0], *sizes[2:]]
    token = like(parts, aten.cat.default, f"{parts.name}_tokens", (refs,), ([*map(calls.value, refs)],), flat)
    view = like(
        joined,
        aten.view.default,
        f"{joined.name}_tokens",
        (Ref("call", token.name), sizes),
        (token.result, sizes),
        sizes,
    )
    before = [None] * (_TOKENS + 1)
    operands = whole, [*before, place], Ref("call", view.name)
    values = known, [*before, calls.value(place)], view.result
    return [token, view, like(call, aten.index_put.default, call.name, operands, values, shape)]


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
