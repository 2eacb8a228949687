"""Attention of one query for each head, with the heads of keys and values as they were before a model repeated them."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch2trt import Call, Program, Ref

from .caches import written
from .program import Calls, aten, like, without_unused
from .rotary import turned

_ATTENTION: Final = torch.ops.torch2trt_transformer.one_row_attention.default
_VIEWS: Final = (aten.view.default, aten._unsafe_view.default, aten.reshape.default)
#: the arguments of the operator, in order
_NAMES: Final = [one.name for one in aten.scaled_dot_product_attention.default._schema.arguments]
#: products of fewer numbers are no task for a GPU's matrix units
_LEAST: Final = 16


def with_attention(program: Program) -> Program | None:
    """The program with attention of one query in calls of their own; None where it has none."""
    calls = Calls(program)
    made = {call.name: _one(call, calls) for call in program.calls}
    if not any(made.values()):
        return None
    return without_unused(program, [made[call.name] or call for call in program.calls])


def _one(call: Call, calls: Calls) -> Call | None:
    """A call in the place of another one, where it has one query and nothing that the operator does not know."""
    if call.target.obj is not aten.scaled_dot_product_attention.default:
        return None
    named, operands = call.named_arguments(), dict(zip(_NAMES, call.operands[0], strict=False)) | call.operands[1]
    query, mask = named["query"], named["attn_mask"]
    if not _is_one_query(query) or named["is_causal"] or named["dropout_p"] or not _is_plain(mask):
        return None
    if not isinstance(named["scale"], (float, int, type(None))):
        return None
    own = [_own_heads(operands[name], calls, named["enable_gqa"]) for name in ("key", "value")]
    asked, own, new = _unwritten(operands["query"], own, calls)
    key, value = map(calls.value, own)
    heads = query.shape[1] % key.shape[1] == 0 and all(isinstance(size, int) for size in key.shape)
    if not heads or key.shape != value.shape or key.shape[0] != 1 or {key.dtype, value.dtype} != {query.dtype}:
        return None
    scale = query.shape[-1] ** -0.5 if named["scale"] is None else float(named["scale"])
    # a view of a mask would be written anew for every layer
    given = (asked, *own, calls.origin(operands.get("attn_mask")), scale, *new)
    values = (calls.value(asked), key, value, mask, scale, *map(calls.value, new))
    return like(call, _ATTENTION, call.name, given, values, call.result.shape)


def _unwritten(asked: Ref, own: list[Ref], calls: Calls) -> tuple[Ref, list[Ref], tuple[Ref, ...]]:
    """The query, keys and values, and the arguments for what was written to these and for rotary embeddings."""
    keys, values = (written(ref, calls) for ref in own)
    if not keys or not values or keys.place != values.place:
        return asked, own, ()
    caches, (query, key) = [keys.cache, values.cache], (turned(ref, calls) for ref in (asked, keys.token))
    if query and key and query[1:] == key[1:]:
        return query.rows, caches, (keys.place, key.rows, values.token, *key[1:])
    return asked, caches, (keys.place, keys.token, values.token)


def _is_one_query(query: Any) -> bool:
    """Whether it is ``[1, heads, 1, size]``."""
    sizes = tuple(query.shape)
    is_static = all(isinstance(size, int) for size in sizes)
    return is_static and len(sizes) == 4 and sizes[0] == sizes[2] == 1 and sizes[3] >= _LEAST


def _is_plain(mask: Any) -> bool:
    """Whether a mask, if there is one, is the same for all heads."""
    return mask is None or all(size == 1 for size in mask.shape[:-1])


def _own_heads(ref: Ref, calls: Calls, as_they_are: bool) -> Ref:
    """What keys or values were before each head was repeated in its place."""
    view = calls.made(ref, *_VIEWS)
    expanded = view and calls.made(calls.origin(view.operands[0][0]), aten.expand.default)
    split = expanded and calls.made(expanded.operands[0][0], aten.unsqueeze.default)
    if as_they_are or not view or not expanded or not split or split.operands[0][1] % 5 != 2:
        return ref
    sizes, (batch, heads, *rest) = tuple(expanded.result.shape), tuple(split.args[0].shape)
    repeated = (batch, heads * sizes[2], *rest)
    is_alike = len(rest) == 2 and sizes == (batch, heads, sizes[2], *rest) and tuple(view.result.shape) == repeated
    return split.operands[0][0] if is_alike else ref
