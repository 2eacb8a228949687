"""Random choices: whole numbers, permutations, and categories by their probabilities."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Final

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Value

from .ordering import first, too_many
from .random_numbers import BITS, exponential_of, leading, seeded, sizes_of, uniform_of
from .sort import argmax, most_of

#: 24 random bits give each of so many numbers equally often, to one part in 16,000
_FEW: Final = 1 << 10
#: and 48 bits each of so many, to one part in 256
_MANY: Final = 1 << 40


def _whole_numbers(ctx: Context, sizes: Sequence[Size], low: Size, high: Size) -> trt.ITensor:
    """Whole numbers from ``low`` to below ``high``, each as likely as the others."""
    count = lib.size_op(ctx, operator.sub, high, low)
    if not lib.is_runtime(count) and count <= _FEW:
        drawn = ctx.tensor(lib.floor(ctx, lib.mul(ctx, uniform_of(ctx, sizes), float(count))), torch.int64)
    else:
        upper, lower = (ctx.tensor(leading(ctx, sizes), torch.int64) for _ in range(2))
        drawn = _remainder(ctx, lib.add(ctx, lib.mul(ctx, upper, 1 << BITS), lower), count)
    return lib.add(ctx, drawn, low, torch.int64)


def _remainder(ctx: Context, input: trt.ITensor, divisor: Size) -> trt.ITensor:
    # of positive numbers the division truncates as it floors
    quotient = lib.div(ctx, input, divisor, torch.int64)
    return lib.sub(ctx, input, lib.mul(ctx, quotient, divisor, torch.int64))


def _why_not_drawn(low: int | torch.SymInt, high: int | torch.SymInt | None) -> str | None:
    if high is None:
        return "it draws from all numbers of its dtype; give the first one that it should not draw"
    known = isinstance(low, int) and isinstance(high, int)
    return f"it draws from more than {_MANY} numbers" if known and high - low > _MANY else None


def _below(high: int | torch.SymInt) -> str | None:
    return _why_not_drawn(0, high)


def _between(low: int | torch.SymInt, high: int | torch.SymInt) -> str | None:
    return _why_not_drawn(low, high)


@converter("aten.randint.low", rejects=_between)
def randint_low(
    ctx: Context,
    low: Size,
    high: Size,
    size: Sequence[Size],
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """randint.low(SymInt low, SymInt high, SymInt[] size, *, ScalarType? dtype=4, ...) -> Tensor"""
    return ctx.tensor(_whole_numbers(ctx, size, low, high), ctx.call.result.dtype)


@converter("aten.randint.default", rejects=_below)
def randint(
    ctx: Context,
    high: Size,
    size: Sequence[Size],
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """randint(SymInt high, SymInt[] size, *, ScalarType? dtype=4, ...) -> Tensor"""
    return randint_low(ctx, 0, high, size)


@converter("aten.randint_like.low_dtype", rejects=_between)
def randint_like_low(
    ctx: Context,
    input: Value,
    low: Size,
    high: Size,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
    memory_format: torch.memory_format | None = None,
) -> trt.ITensor:
    """randint_like.low_dtype(Tensor self, SymInt low, SymInt high, *, ScalarType? dtype=None, ...) -> Tensor"""
    return randint_low(ctx, low, high, sizes_of(ctx, input))


@converter("aten.randint_like.default", rejects=_below)
def randint_like(
    ctx: Context,
    input: Value,
    high: Size,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
    memory_format: torch.memory_format | None = None,
) -> trt.ITensor:
    """randint_like(Tensor self, SymInt high, *, ScalarType? dtype=None, ..., MemoryFormat? ...) -> Tensor"""
    return randint_low(ctx, 0, high, sizes_of(ctx, input))


@converter("aten.random.to", rejects=lambda high, generator: seeded(generator) or _below(high))
def random_below(ctx: Context, input: Value, high: int, generator: torch.Generator | None = None) -> trt.ITensor:
    """random.to(Tensor self, int to, *, Generator? generator=None) -> Tensor"""
    return randint_low(ctx, 0, high, sizes_of(ctx, input))


def _too_long(n: int | torch.SymInt) -> str | None:
    return too_many(n)


@converter("aten.randperm.default", rejects=_too_long)
def randperm(
    ctx: Context,
    n: Size,
    dtype: torch.dtype | None = None,
    layout: torch.layout | None = None,
    device: torch.device | None = None,
    pin_memory: bool | None = None,
) -> trt.ITensor:
    """randperm(SymInt n, *, ScalarType? dtype=4, ...) -> Tensor"""
    if not lib.is_runtime(n) and n < 2:
        return ctx.tensor(lib.arange(ctx, n), ctx.call.result.dtype)
    order = first(ctx, trt.TopKOperation.MIN, uniform_of(ctx, [n]), n, 0, most=most_of(ctx.call.args[0]))[1]
    return ctx.tensor(order, ctx.call.result.dtype)


def _too_many_samples(
    num_samples: int | torch.SymInt, replacement: bool, generator: torch.Generator | None
) -> str | None:
    return seeded(generator) or (None if replacement else too_many(num_samples))


@converter("aten.multinomial.default", rejects=_too_many_samples)
def multinomial(
    ctx: Context,
    input: Value,
    num_samples: Size,
    replacement: bool = False,
    generator: torch.Generator | None = None,
) -> trt.ITensor:
    """multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor

    As in a race: what takes an exponential time of rate ``p`` arrives first with probability ``p``.
    """
    *batch, categories = sizes_of(ctx, input)
    if not replacement or (not lib.is_runtime(num_samples) and num_samples == 1):
        rates = lib.div(ctx, input, exponential_of(ctx, [*batch, categories]), torch.float32)
        most = most_of(ctx.call.args[1])
        return first(ctx, trt.TopKOperation.MAX, rates, num_samples, -1, most=most)[1]
    races = exponential_of(ctx, [*batch, num_samples, categories])
    return argmax(ctx, lib.div(ctx, lib.unsqueeze(ctx, input, [len(batch)]), races, torch.float32), -1)
