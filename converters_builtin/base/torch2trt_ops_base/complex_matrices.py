"""Products of complex matrices, and what else is linear in each of two operands, on pairs of real ones."""

from __future__ import annotations

from typing import Any, Final

import torch

from .complex_arithmetic import plus, times
from .pairs import Emitter, Pair, Part, Rule, aten


def product(emit: Emitter, target: Any, one: Any, other: Any, *rest: Any) -> Pair:
    """What is linear in two operands, of both: the parts of the product, multiplied out."""
    (a, b), (c, d) = (emit.whole(emit.pair(value)) for value in (one, other))
    return Pair(
        emit.sub(emit(target, a, c, *rest), emit(target, b, d, *rest)),
        emit.add(emit(target, a, d, *rest), emit(target, b, c, *rest)),
    )


def _bilinear(target: Any) -> Rule:
    def rule(emit: Emitter, input: Any, other: Any) -> Pair:
        return product(emit, target, input, other)

    return rule


def _added(target: Any) -> Rule:
    """``beta * input + alpha * product``; with a beta of 0 PyTorch does not look at the input."""

    def rule(emit: Emitter, input: Any, one: Any, other: Any, *, beta: Any = 1, alpha: Any = 1) -> Pair:
        result = product(emit, target, one, other)
        if alpha != 1:
            result = times(emit, result, emit.pair(alpha))
        if beta == 0:
            return result
        given = emit.pair(input)
        return plus(emit, given if beta == 1 else times(emit, given, emit.pair(beta)), result)

    return rule


def _linear(emit: Emitter, input: Any, weight: Any, bias: Any = None) -> Pair:
    result = product(emit, aten.linear.default, input, weight)
    return result if bias is None else plus(emit, result, emit.pair(bias))


def _convolution(emit: Emitter, input: Any, weight: Any, bias: Any, *rest: Any) -> Pair:
    result = product(emit, aten.convolution.default, input, weight, None, *rest)
    if bias is None:
        return result
    spatial = len(rest[0])

    def column(part: Part) -> Part:
        if not isinstance(part, torch.fx.Node):
            return part
        return emit(aten.view.default, part, [part.meta["val"].shape[0]] + [1] * spatial)  # type: ignore[no-any-return]  # a node

    return plus(emit, result, Pair(*map(column, emit.pair(bias).parts)))


#: the rule of each operator
MATRICES: Final[dict[str, Rule]] = {
    **{name: _bilinear(getattr(aten, name).default) for name in ("mm", "bmm", "matmul", "mv", "dot")},
    "addmm": _added(aten.mm.default),
    "baddbmm": _added(aten.bmm.default),
    "addmv": _added(aten.mv.default),
    "linear": _linear,
    "convolution": _convolution,
}
