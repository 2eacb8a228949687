"""What moves, repeats, chooses and makes complex numbers, on pairs of real ones."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .pairs import Emitter, Pair, Rule, aten, real_dtype

_VIEWS: Final = (aten.view.default, aten._unsafe_view.default)


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
        # its strides need not be those that let PyTorch view the complex tensor
        return emit.view(*chosen[0]) if target in _VIEWS else emit(target, *chosen[0], **chosen[1])

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

    def rule(emit: Emitter, *args: Any, **kwargs: Any) -> Pair | None:
        def pair(value: Any) -> Any:
            return [emit.pair(one) for one in value] if isinstance(value, (list, tuple)) else emit.pair(value)

        promoted = [pair(value) if place in places else value for place, value in enumerate(args)]
        return on_parts(emit, target, [_tensors(emit, value) for value in promoted], kwargs)

    return rule


def _tensors(emit: Emitter, value: Any) -> Any:
    """A pair of tensors where both parts may be numbers."""
    if not isinstance(value, Pair) or any(isinstance(part, torch.fx.Node) for part in value.parts):
        return value
    return Pair(*(emit.number(part) for part in value.parts))


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


def _masked_fill(emit: Emitter, input: Any, mask: Any, value: Any) -> Any:
    return _promoted(aten.where.self, 1, 2)(emit, mask, value, input)


def _size(emit: Emitter, input: Pair, dim: int) -> Any:
    return emit(aten.sym_size.int, emit.whole(input)[0], dim)


#: the rule of each operator that is not in ``ON_PARTS``
MOVES: Final[dict[str, Rule]] = {
    "full": _filled(aten.full.default, 1),
    "scalar_tensor": _filled(aten.scalar_tensor.default, 0),
    "full_like": _full_like,
    "constant_pad_nd": _pad,
    "masked_fill": _masked_fill,
    "sym_size": _size,
    "where": _promoted(aten.where.self, 1, 2),
    "cat": _promoted(aten.cat.default, 0),
    **{name: _promoted(getattr(aten, name).default, 0, 1) for name in ("copy", "select_scatter", "slice_scatter")},
}
