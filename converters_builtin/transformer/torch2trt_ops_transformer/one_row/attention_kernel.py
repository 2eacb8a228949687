"""Attention of one query in Triton, which only the kernel for CUDA imports: it is not there without a GPU."""

# ruff: noqa: ANN001, ANN202, N803  # Triton takes no types of Python's for parameters, and writes constants large
from __future__ import annotations

from typing import Final

import torch
import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from .ahead import ahead

#: keys that a program of attention takes at a time, and programs that there are about at most
_KEYS: Final = 64
_PROGRAMS: Final = 256


@triton.jit
def _attended(asked, known, found, added, scale, most, weight, sum):  # type: ignore[no-untyped-def]
    """Softmax goes on where other keys left off."""
    score = tl.dot(asked, tl.trans(known), input_precision="ieee") * scale + added[None, :]
    before = most
    most = tl.maximum(most, tl.max(score, 1))
    # where nothing was seen yet
    base = tl.where(most == float("-inf"), 0.0, most)
    kept, shares = tl.exp(before - base), tl.exp(score - base[:, None])
    sum = sum * kept[:, None] + tl.dot(shares.to(found.dtype), found, input_precision="ieee")
    return most, weight * kept + tl.sum(shares, 1), sum


@triton.jit  # type: ignore[untyped-decorator]
def _turned(row, across, inside, cos, sin, SIZE: tl.constexpr):  # type: ignore[no-untyped-def]
    """A row, or some, with pairs of numbers, half the row apart, turned by the angle of their place."""
    made = tl.load(row + across, inside, 0)
    if cos is not None:
        is_first = across < SIZE // 2
        other = tl.load(row + tl.where(is_first, across + SIZE // 2, across - SIZE // 2), inside, 0).to(tl.float32)
        along = made.to(tl.float32) * tl.load(cos + across, across < SIZE, 0).to(tl.float32)
        beside = tl.where(is_first, -other, other) * tl.load(sin + across, across < SIZE, 0).to(tl.float32)
        made = (along + beside).to(made.dtype)
    return made


@triton.jit
def _added(mask, keys, there):  # type: ignore[no-untyped-def]
    """What is added to the scores of keys."""
    added = tl.where(there, 0.0, float("-inf"))
    if mask is not None:
        seen = tl.load(mask + keys, there, 0)
        if mask.dtype.element_ty == tl.int1:
            added = tl.where(seen, added, float("-inf"))
        else:
            added += seen.to(tl.float32)
    return added


@triton.jit  # type: ignore[untyped-decorator]
def _attention(  # type: ignore[no-untyped-def]
    query, key, value, mask, place, new_key, new_value, cos, sin, out, scale, length, key_head, value_head,
    KEYS_EACH: tl.constexpr, GROUP: tl.constexpr, SIZE: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr,
    KEYS: tl.constexpr, AHEAD: tl.constexpr,
):  # fmt: skip
    """A part of the keys, for the heads of the query that have them: sums, the largest score, and the sum of shares."""
    if AHEAD:
        gdc_launch_dependents()
        gdc_wait()
    head, part = tl.program_id(0), tl.program_id(1)
    rows, across = tl.arange(0, ROWS), tl.arange(0, WIDTH)
    wide = across < SIZE
    own = (rows < GROUP)[:, None] & wide[None, :]
    asked = _turned(query + (head * GROUP + rows)[:, None] * SIZE, across[None, :], own, cos, sin, SIZE)
    if place is not None:
        written = tl.load(place)
        written = tl.where(written < 0, written + length, written)
        token = _turned(new_key + head * SIZE, across, wide, cos, sin, SIZE)
        token_value = tl.load(new_value + head * SIZE + across, wide, 0)
    most = tl.full((ROWS,), float("-inf"), tl.float32)
    weight, sum = tl.zeros((ROWS,), tl.float32), tl.zeros((ROWS, WIDTH), tl.float32)
    for begin in tl.range(part * KEYS_EACH, tl.minimum((part + 1) * KEYS_EACH, length), KEYS):
        keys = begin + tl.arange(0, KEYS)
        there = keys < length
        added, both = _added(mask, keys, there), there[:, None] & wide[None, :]
        # of long caches, room for what is still to come is not read
        if KEYS_EACH == KEYS or tl.max(added, 0) > float("-inf"):
            places = keys[:, None] * SIZE + across[None, :]
            known = tl.load(key + head * key_head + places, both, 0)
            found = tl.load(value + head * value_head + places, both, 0)
            if place is not None:
                is_new = (keys == written)[:, None]
                known = tl.where(is_new, token[None, :], known)
                found = tl.where(is_new, token_value[None, :], found)
            most, weight, sum = _attended(asked, known, found, added, scale, most, weight, sum)
    at = out + ((head * GROUP + rows) * tl.num_programs(1) + part) * (SIZE + 2)
    tl.store(at[:, None] + across[None, :], sum, own)
    tl.store(at + SIZE, most, rows < GROUP)
    tl.store(at + SIZE + 1, weight, rows < GROUP)


@triton.jit  # type: ignore[untyped-decorator]
def _joined(  # type: ignore[no-untyped-def]
    parts, out, count, SIZE: tl.constexpr, WIDTH: tl.constexpr, PARTS: tl.constexpr, AHEAD: tl.constexpr
):
    """One head of all parts."""
    if AHEAD:
        gdc_launch_dependents()
        gdc_wait()
    head = tl.program_id(0)
    numbers, across = tl.arange(0, PARTS), tl.arange(0, WIDTH)
    there = numbers < count
    at = parts + (head * count + numbers) * (SIZE + 2)
    sums = tl.load(at[:, None] + across[None, :], there[:, None] & (across < SIZE)[None, :], 0)
    most, weights = tl.load(at + SIZE, there, float("-inf")), tl.load(at + SIZE + 1, there, 0)
    shares = tl.exp(most - tl.max(most, 0))
    made = tl.sum(sums * shares[:, None], 0) / tl.sum(weights * shares, 0)
    tl.store(out + head * SIZE + across, made.to(out.dtype.element_ty), across < SIZE)


def launch_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float,
    place: torch.Tensor | None = None,
    new_key: torch.Tensor | None = None,
    new_value: torch.Tensor | None = None,
    cos: torch.Tensor | None = None,
    sin: torch.Tensor | None = None,
) -> torch.Tensor:
    """The operator on a GPU, on the current stream: parts of the keys at a time, then all parts of a head."""
    (_, heads, _, size), (_, own, length, _) = query.shape, key.shape
    key, value = (one if one[0, 0].is_contiguous() else one.contiguous() for one in (key, value))
    each = _KEYS * max(1, triton.cdiv(own * triton.cdiv(length, _KEYS), _PROGRAMS))
    parts, width = triton.cdiv(length, each), max(16, triton.next_power_of_2(size))
    made = query.new_empty((heads, parts, size + 2), dtype=torch.float32)
    seen = None if mask is None else mask.expand(1, 1, 1, length)
    new = [None if one is None else one.contiguous() for one in (seen, place, new_key, new_value, cos, sin)]
    heads_apart, queued = (key.stride(1), value.stride(1)), ahead(query.device)
    rows = max(16, triton.next_power_of_2(heads // own))
    _attention[own, parts](
        *(query.contiguous(), key, value, *new, made, scale, length, *heads_apart),
        *(each, heads // own, size, rows, width, _KEYS, bool(queued)),
        **queued,
    )
    out = torch.empty_like(query, memory_format=torch.contiguous_format)
    _joined[heads,](made, out, parts, size, width, triton.next_power_of_2(parts), bool(queued), **queued)
    return out
