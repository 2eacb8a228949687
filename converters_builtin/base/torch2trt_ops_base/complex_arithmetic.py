"""Sums, products, quotients and comparisons of complex numbers, on pairs of real ones.

NaN and infinity go the way that they go in PyTorch: a real operand counts as a complex one whose imaginary part is 0,
and what is added is multiplied by 1 before.
"""

from __future__ import annotations

import operator
from typing import Any, Final

import torch

from .pairs import Emitter, Pair, Part, Rule, aten, real_dtype


def plus(emit: Emitter, one: Pair, other: Pair) -> Pair:
    """The sum of two pairs."""
    return Pair(emit.add(one.real, other.real), emit.add(one.imag, other.imag))


def times(emit: Emitter, one: Pair, other: Pair) -> Pair:
    """The product of two pairs."""
    return Pair(
        emit.sub(emit.mul(one.real, other.real), emit.mul(one.imag, other.imag)),
        emit.add(emit.mul(one.real, other.imag), emit.mul(one.imag, other.real)),
    )


def _add(emit: Emitter, input: Any, other: Any, *, alpha: Any = 1) -> Pair:
    return plus(emit, emit.pair(input), times(emit, emit.pair(other), emit.pair(alpha)))


def _sub(emit: Emitter, input: Any, other: Any, *, alpha: Any = 1) -> Pair:
    return _add(emit, input, other, alpha=-alpha)


def _mul(emit: Emitter, input: Any, other: Any) -> Pair:
    return times(emit, emit.pair(input), emit.pair(other))


def _div(emit: Emitter, input: Any, other: Any) -> Pair:
    one, two = emit.pair(input), emit.pair(other)
    if isinstance(two.real, torch.fx.Node) or isinstance(two.imag, torch.fx.Node):
        return _quotient(emit, one, Pair(*emit.whole(two)))
    return _quotient_by_number(emit, one, two.real, two.imag)


def _quotient(emit: Emitter, one: Pair, two: Pair) -> Pair:
    """Smith's formula, in which no square overflows: all is divided by the larger part of the divisor."""
    heights = [emit(aten.abs.default, part) for part in two.parts]
    wide, zero = emit(aten.ge.Tensor, *heights), emit(aten.eq.Scalar, emit.add(*heights), 0)

    def chosen(first: Part, second: Part) -> Any:
        sides = [side if isinstance(side, torch.fx.Node) else emit.number(side) for side in (first, second)]
        return emit(aten.where.self, wide, *sides)

    large, small = chosen(*two.parts), chosen(two.imag, two.real)
    ratio = emit(aten.div.Tensor, small, large)
    scale = emit(aten.reciprocal.default, emit.add(large, emit.mul(small, ratio)))
    first, second = chosen(*one.parts), chosen(one.imag, one.real)
    real = emit.mul(emit.add(first, emit.mul(second, ratio)), scale)
    across = emit.mul(emit.sub(second, emit.mul(first, ratio)), scale)
    imag = emit(aten.where.self, wide, across, emit(aten.neg.default, across))
    by_zero = [emit(aten.div.Tensor, part, heights[0]) for part in one.parts]
    return Pair(*(emit(aten.where.self, zero, *parts) for parts in zip(by_zero, (real, imag), strict=True)))


def _quotient_by_number(emit: Emitter, one: Pair, c: float, d: float) -> Pair:
    """The same of a number."""
    if c == d == 0:
        return Pair(*(emit(aten.div.Tensor, part, 0.0) for part in emit.whole(one)))
    a, b = one.parts
    if abs(c) >= abs(d):
        ratio = d / c
        real, imag = emit.add(a, emit.mul(b, ratio)), emit.sub(b, emit.mul(a, ratio))
        scale = 1 / (c + d * ratio)
    else:
        ratio = c / d
        real, imag = emit.add(emit.mul(a, ratio), b), emit.sub(emit.mul(b, ratio), a)
        scale = 1 / (c * ratio + d)
    return Pair(emit.mul(real, scale), emit.mul(imag, scale))


def _reciprocal(emit: Emitter, input: Pair) -> Pair:
    return _quotient(emit, Pair(1.0, 0.0), Pair(*emit.whole(input)))


def _conj(emit: Emitter, input: Pair) -> Pair:
    imag = input.imag
    return Pair(input.real, emit(aten.neg.default, imag) if isinstance(imag, torch.fx.Node) else -imag)


def _pow(emit: Emitter, input: Any, exponent: Any) -> Pair | None:
    return _mul(emit, input, input) if isinstance(exponent, (int, float)) and exponent == 2 else None


def _eq(emit: Emitter, input: Any, other: Any) -> Any:
    sides = [_parts_of(value) for value in (input, other)]
    given = [part.meta["val"].dtype for part in sides[0].parts + sides[1].parts if isinstance(part, torch.fx.Node)]
    dtype = max((one for one in given if one.is_floating_point), key=operator.attrgetter("itemsize"))
    pairs = zip(*([emit.cast(part, dtype) for part in side.parts] for side in sides), strict=True)
    return emit(aten.logical_and.default, *(_same(emit, *parts) for parts in pairs))


def _parts_of(value: Any) -> Pair:
    if isinstance(value, Pair):
        return value
    return Pair(value, 0.0) if isinstance(value, torch.fx.Node) else Pair(complex(value).real, complex(value).imag)


def _same(emit: Emitter, one: Part, other: Part) -> Any:
    if not isinstance(one, torch.fx.Node):
        one, other = other, one
    if not isinstance(one, torch.fx.Node):
        return emit(aten.full.default, [], one == other, dtype=torch.bool)
    return emit(aten.eq.Tensor if isinstance(other, torch.fx.Node) else aten.eq.Scalar, one, other)


def _ne(emit: Emitter, input: Any, other: Any) -> Any:
    return emit(aten.logical_not.default, _eq(emit, input, other))


def _to_copy(emit: Emitter, input: Any, *, dtype: torch.dtype | None = None, **kwargs: Any) -> Any:
    if emit.example.is_complex():
        return emit.pair(input)
    if emit.dtype is torch.bool:
        return _ne(emit, input, 0)
    return emit.cast(emit.whole(input)[0], emit.dtype)  # PyTorch drops the imaginary part, with a warning


def _convert_element_type(emit: Emitter, input: Any, dtype: torch.dtype) -> Any:
    return _to_copy(emit, input, dtype=real_dtype(dtype))


#: the rule of each operator
ARITHMETIC: Final[dict[str, Rule]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "reciprocal": _reciprocal,
    "pow": _pow,
    **dict.fromkeys(("_conj", "_conj_physical", "conj_physical"), _conj),
    "eq": _eq,
    "ne": _ne,
    "_to_copy": _to_copy,
    "convert_element_type": _convert_element_type,
}
