"""Functions of complex numbers, on pairs of real ones."""

from __future__ import annotations

import math
from typing import Any, Final

from .pairs import Emitter, Pair, Rule, aten


def _abs(emit: Emitter, input: Pair) -> Any:
    return emit(aten.hypot.default, *emit.whole(input))


def _angle(emit: Emitter, input: Pair) -> Any:
    real, imag = emit.whole(input)
    return emit(aten.atan2.default, imag, real)


def _complex(emit: Emitter, real: Any, imag: Any) -> Pair:
    return Pair(real, imag)


def _polar(emit: Emitter, length: Any, angle: Any) -> Pair:
    return Pair(*(emit.mul(length, emit(function, angle)) for function in (aten.cos.default, aten.sin.default)))


def _exp(emit: Emitter, input: Pair) -> Pair:
    real, imag = emit.whole(input)
    length = emit(aten.exp.default, real)
    point = _polar(emit, length, imag)
    # there is no direction at infinity: exp(-inf) is 0 in each, exp(inf) is infinite, and real on the real axis
    nowhere = emit(aten.ne.Scalar, emit.sub(imag, imag), 0)
    flat = emit(aten.eq.Scalar, imag, 0)
    far = emit(aten.logical_and.default, nowhere, emit(aten.isinf.default, real))
    gone = emit(aten.logical_and.default, nowhere, emit(aten.eq.Scalar, real, -math.inf))
    either = emit(aten.logical_or.default, far, flat)
    sine = emit(aten.where.self, gone, emit.number(0.0), point.imag)
    return Pair(emit(aten.where.self, either, length, point.real), emit(aten.where.self, flat, imag, sine))


def _log(emit: Emitter, input: Pair) -> Pair:
    return Pair(emit(aten.log.default, _abs(emit, input)), _angle(emit, input))


def _sqrt(emit: Emitter, input: Pair) -> Pair:
    """The larger part first, which no difference makes inexact; the other is the quotient that is left."""
    real, imag = emit.whole(input)
    width = emit(aten.abs.default, real)
    larger = emit(aten.sqrt.default, emit.add(emit.mul(_abs(emit, input), 0.5), emit.mul(width, 0.5)))
    quotient = emit(aten.div.Tensor, emit.mul(emit(aten.abs.default, imag), 0.5), larger)
    smaller = emit(aten.where.self, emit(aten.eq.Scalar, larger, 0), emit.number(0.0), quotient)
    left = emit(aten.lt.Scalar, real, 0)
    up = emit(aten.isinf.default, imag)
    width = emit(aten.where.self, left, smaller, larger)
    height = emit(aten.copysign.Tensor, emit(aten.where.self, left, larger, smaller), imag)
    return Pair(emit(aten.where.self, up, emit.number(math.inf), width), emit(aten.where.self, up, imag, height))


def _any(function: Any) -> Rule:
    """Whether one of the parts is what ``function`` asks for."""

    def rule(emit: Emitter, input: Pair) -> Any:
        return emit(aten.logical_or.default, *(emit(function, part) for part in emit.whole(input)))

    return rule


#: the rule of each operator
FUNCTIONS: Final[dict[str, Rule]] = {
    "abs": _abs,
    "angle": _angle,
    "polar": _polar,
    "complex": _complex,
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "isnan": _any(aten.isnan.default),
    "isinf": _any(aten.isinf.default),
}
