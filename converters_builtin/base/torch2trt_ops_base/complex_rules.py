"""What operators do with complex numbers, said of pairs of real ones.

A rule takes the emitter and the operator's own arguments, with a :class:`Pair` for every complex tensor, and returns a
pair, a real value, or None for what it does not cover.  NaN and infinity go the way that they go in PyTorch, where a
real factor counts as a complex one whose imaginary part is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .pairs import Emitter, Pair, Part, aten, is_complex, real_dtype

Rule = Callable[..., Any]


def on_parts(emit: Emitter, target: Any, args: Any, kwargs: Any) -> Pair | None:
    """The operator of both parts by themselves: all that moves, repeats or adds up elements, whatever they are."""
    leaves = pytree.tree_leaves((args, kwargs), is_leaf=lambda value: isinstance(value, Pair))
    pairs = {id(leaf): emit.whole(leaf) for leaf in leaves if isinstance(leaf, Pair)}
    if any(isinstance(leaf, complex) or _is_real_number(leaf) for leaf in leaves):
        return None

    def part(half: int) -> Any:
        chosen = pytree.tree_map(
            lambda leaf: pairs[id(leaf)][half] if isinstance(leaf, Pair) else real_dtype(leaf),
            (args, kwargs),
            is_leaf=lambda value: isinstance(value, Pair),
        )
        return emit(target, *chosen[0], **chosen[1])

    return Pair(part(0), part(1))


def _is_real_number(leaf: Any) -> bool:
    """Whether an operand is a real tensor and no indices or masks, of which each part would get the whole."""
    example = leaf.meta["val"] if isinstance(leaf, torch.fx.Node) else None
    return isinstance(example, torch.Tensor) and example.dtype.is_floating_point


#: operators that :func:`on_parts` is the rule of
ON_PARTS: Final = frozenset(
    [
        *("view", "view_copy", "_unsafe_view", "permute", "permute_copy", "transpose", "t", "unsqueeze", "squeeze"),
        *("expand", "repeat", "slice", "slice_copy", "select", "select_copy", "split_with_sizes", "split", "unbind"),
        *("unfold", "diagonal", "flip", "roll", "clone", "alias", "detach", "lift_fresh_copy", "tril", "triu"),
        *("index", "_unsafe_index", "index_select", "gather", "take", "embedding"),
        *("index_put", "scatter_add", "sum", "mean", "cumsum", "neg", "_neg_view", "resolve_neg", "resolve_conj"),
        *(f"{kind}_pad{count}d" for kind in ("reflection", "replication") for count in (1, 2, 3)),
    ]
)


def _promoted(target: Any, *places: int) -> Rule:
    """The operator of both parts, once the arguments at ``places`` are complex."""

    def rule(emit: Emitter, *args: Any, **kwargs: Any) -> Pair:
        def pair(value: Any) -> Any:
            return [emit.pair(one) for one in value] if isinstance(value, (list, tuple)) else emit.pair(value)

        promoted = [pair(value) if place in places else value for place, value in enumerate(args)]
        return on_parts(emit, target, [_tensors(emit, value) for value in promoted], kwargs)

    return rule


def _tensors(emit: Emitter, value: Any) -> Any:
    """A pair of tensors where both parts may be numbers."""
    if not isinstance(value, Pair) or any(isinstance(part, torch.fx.Node) for part in value.parts):
        return value
    return Pair(*(emit(aten.scalar_tensor.default, part, dtype=emit.dtype) for part in value.parts))


def _sum(emit: Emitter, input: Any, other: Any, *, alpha: Any = 1, subtract: bool = False) -> Pair:
    one, two = emit.pair(input), emit.pair(other)
    if alpha != 1:
        two = _product(emit, two, emit.pair(alpha))
    combine = emit.sub if subtract else emit.add
    return Pair(combine(one.real, two.real), combine(one.imag, two.imag))


def _product(emit: Emitter, one: Pair, two: Pair, mul: Callable[[Part, Part], Part] | None = None) -> Pair:
    """The product of two pairs; ``mul`` is what multiplies real values, by default element by element."""
    mul = mul or emit.mul
    return Pair(
        emit.sub(mul(one.real, two.real), mul(one.imag, two.imag)),
        emit.add(mul(one.real, two.imag), mul(one.imag, two.real)),
    )


def _sub(emit: Emitter, input: Any, other: Any, *, alpha: Any = 1) -> Pair:
    return _sum(emit, input, other, alpha=alpha, subtract=True)


def _mul(emit: Emitter, input: Any, other: Any) -> Pair:
    return _product(emit, emit.pair(input), emit.pair(other))


def _div(emit: Emitter, input: Any, other: Any) -> Pair:
    """Both are divided by the larger part of the divisor first: squares might overflow."""
    one, two = emit.pair(input), emit.pair(other)
    if isinstance(two.real, torch.fx.Node) or isinstance(two.imag, torch.fx.Node):
        real, imag = (emit(aten.abs.default, part) for part in emit.whole(two))
        largest = emit(aten.maximum.default, real, imag)
        c, d = (_quotient(emit, part, largest) for part in two.parts)
        square = emit.add(emit.mul(c, c), emit.mul(d, d))
    else:
        largest = max(abs(two.real), abs(two.imag))
        # of a number that is 0 all quotients are NaN
        c, d = (part / largest if largest else float("nan") for part in (two.real, two.imag))
        square = c * c + d * d
    scaled = Pair(*(_quotient(emit, part, largest) for part in one.parts))
    product = _product(emit, scaled, Pair(c, emit.sub(0.0, d)))
    return Pair(_quotient(emit, product.real, square), _quotient(emit, product.imag, square))


def _quotient(emit: Emitter, one: Part, other: Part) -> Part:
    if isinstance(one, torch.fx.Node) or isinstance(other, torch.fx.Node):
        if not isinstance(one, torch.fx.Node):
            one = emit(aten.full_like.default, other, one)
        return emit(aten.div.Tensor, one, other)  # type: ignore[no-any-return]  # a node
    return one / other if other else float("nan")


def _reciprocal(emit: Emitter, input: Pair) -> Pair:
    return _div(emit, 1.0, input)


def _conj(emit: Emitter, input: Pair) -> Pair:
    imag = input.imag
    return Pair(input.real, emit(aten.neg.default, imag) if isinstance(imag, torch.fx.Node) else -imag)


def _abs(emit: Emitter, input: Pair) -> Any:
    return emit(aten.hypot.default, *emit.whole(input))


def _angle(emit: Emitter, input: Pair) -> Any:
    real, imag = emit.whole(input)
    return emit(aten.atan2.default, imag, real)


def _polar(emit: Emitter, abs: Any, angle: Any) -> Pair:  # noqa: A002  # PyTorch's name
    return Pair(*(emit.mul(abs, emit(function, angle)) for function in (aten.cos.default, aten.sin.default)))


def _complex(emit: Emitter, real: Any, imag: Any) -> Pair:
    return Pair(real, imag)


def _exp(emit: Emitter, input: Pair) -> Pair:
    real, imag = emit.whole(input)
    length = emit(aten.exp.default, real)
    point = _polar(emit, length, imag)
    # exp(-inf) is 0 in every direction; in that of the real numbers there is no imaginary part to be infinite
    nothing, flat = emit(aten.eq.Scalar, real, -torch.inf), emit(aten.eq.Scalar, imag, 0)
    zero = emit(aten.scalar_tensor.default, 0.0, dtype=emit.dtype)
    cosine, sine = (emit(aten.where.self, nothing, zero, part) for part in point.parts)
    return Pair(emit(aten.where.self, flat, length, cosine), emit(aten.where.self, flat, imag, sine))


def _sqrt(emit: Emitter, input: Pair) -> Pair:
    """The larger part first, which no difference makes inexact; the other is the quotient that is left."""
    real, imag = emit.whole(input)
    half = emit(aten.mul.Tensor, emit(aten.add.Tensor, _abs(emit, input), emit(aten.abs.default, real)), 0.5)
    larger = emit(aten.sqrt.default, half)
    zero = emit(aten.scalar_tensor.default, 0.0, dtype=emit.dtype)
    quotient = emit(aten.div.Tensor, emit(aten.mul.Tensor, emit(aten.abs.default, imag), 0.5), larger)
    smaller = emit(aten.where.self, emit(aten.eq.Scalar, larger, 0), zero, quotient)
    right = emit(aten.ge.Scalar, real, 0)
    height = emit(aten.where.self, right, smaller, larger)
    return Pair(emit(aten.where.self, right, larger, smaller), emit(aten.copysign.Tensor, height, imag))


def _size(emit: Emitter, input: Pair, dim: int) -> Any:
    return emit(aten.sym_size.int, emit.whole(input)[0], dim)


def _log(emit: Emitter, input: Pair) -> Pair:
    return Pair(emit(aten.log.default, _abs(emit, input)), _angle(emit, input))


def _pow(emit: Emitter, input: Any, exponent: Any) -> Pair | None:
    return _mul(emit, input, input) if isinstance(exponent, (int, float)) and exponent == 2 else None


def _equal(emit: Emitter, input: Any, other: Any) -> Any:
    dtype = torch.promote_types(*(_dtype(value) for value in (input, other)))
    sides = [Pair(*(emit.cast(part, real_dtype(dtype)) for part in _pair(value).parts)) for value in (input, other)]
    same = [_same(emit, *parts) for parts in zip(*(side.parts for side in sides), strict=True)]
    return emit(aten.logical_and.default, *same)


def _pair(value: Any) -> Pair:
    if isinstance(value, Pair):
        return value
    return Pair(value, 0.0) if isinstance(value, torch.fx.Node) else Pair(complex(value).real, complex(value).imag)


def _dtype(value: Any) -> torch.dtype:
    parts = [part.meta["val"].dtype for part in _pair(value).parts if isinstance(part, torch.fx.Node)]
    return parts[0] if parts and parts[0].is_floating_point else torch.float16


def _same(emit: Emitter, one: Part, other: Part) -> Any:
    if not isinstance(one, torch.fx.Node):
        one, other = other, one
    if not isinstance(one, torch.fx.Node):
        return emit(aten.full.default, [], one == other, dtype=torch.bool)
    return emit(aten.eq.Tensor if isinstance(other, torch.fx.Node) else aten.eq.Scalar, one, other)


def _differ(emit: Emitter, input: Any, other: Any) -> Any:
    return emit(aten.logical_not.default, _equal(emit, input, other))


def _any(function: Any) -> Rule:
    """Whether one of the parts is what ``function`` asks for."""

    def rule(emit: Emitter, input: Pair) -> Any:
        return emit(aten.logical_or.default, *(emit(function, part) for part in emit.whole(input)))

    return rule


def _to_copy(emit: Emitter, input: Any, *, dtype: torch.dtype | None = None, **kwargs: Any) -> Any:
    dtype = dtype or emit.example.dtype
    if is_complex(emit.example):
        return emit.pair(input)
    if dtype is torch.bool:
        return _differ(emit, input, 0)
    return emit.cast(emit.whole(input)[0], dtype)  # PyTorch drops the imaginary part, with a warning


def _convert_element_type(emit: Emitter, input: Any, dtype: torch.dtype) -> Any:
    return _to_copy(emit, input, dtype=dtype)


def _filled(target: Any, place: int) -> Rule:
    """New numbers: those at ``place`` of the arguments."""

    def rule(emit: Emitter, *args: Any, dtype: Any = None, **kwargs: Any) -> Pair:
        number = complex(args[place])
        before, after = args[:place], args[place + 1 :]
        parts = (emit(target, *before, part, *after, dtype=emit.dtype, **kwargs) for part in (number.real, number.imag))
        return Pair(*parts)

    return rule


def _full_like(emit: Emitter, input: Any, value: Any, **kwargs: Any) -> Pair:
    like = emit.whole(input)[0] if isinstance(input, Pair) else input
    number = complex(value)
    return Pair(*(emit(aten.full_like.default, like, part, dtype=emit.dtype) for part in (number.real, number.imag)))


def _pad(emit: Emitter, input: Pair, pad: Any, value: Any = 0) -> Pair:
    numbers = (complex(value).real, complex(value).imag)
    parts = zip(emit.whole(input), numbers, strict=True)
    return Pair(*(emit(aten.constant_pad_nd.default, part, pad, number) for part, number in parts))


def _masked_fill(emit: Emitter, input: Any, mask: Any, value: Any) -> Pair:
    return _promoted(aten.where.self, 1, 2)(emit, mask, value, input)


#: the rule of each operator that is neither in ``ON_PARTS`` nor has to do with matrices
ELEMENTWISE: Final[dict[str, Rule]] = {
    **{"add": _sum, "sub": _sub, "mul": _mul, "div": _div, "reciprocal": _reciprocal, "pow": _pow},
    **dict.fromkeys(("_conj", "_conj_physical", "conj_physical"), _conj),
    **{"abs": _abs, "angle": _angle, "polar": _polar, "complex": _complex, "exp": _exp, "log": _log, "sqrt": _sqrt},
    **{"eq": _equal, "ne": _differ, "isnan": _any(aten.isnan.default), "isinf": _any(aten.isinf.default)},
    **{"_to_copy": _to_copy, "convert_element_type": _convert_element_type, "full_like": _full_like},
    **{"sym_size": _size, "constant_pad_nd": _pad, "masked_fill": _masked_fill},
    **{"where": _promoted(aten.where.self, 1, 2), "cat": _promoted(aten.cat.default, 0)},
    **{name: _promoted(getattr(aten, name).default, 0, 1) for name in ("copy", "select_scatter", "slice_scatter")},
    **{"full": _filled(aten.full.default, 1), "scalar_tensor": _filled(aten.scalar_tensor.default, 0)},
}
