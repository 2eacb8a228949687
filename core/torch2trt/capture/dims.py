"""Dynamic dimensions: what users ask for, and how ``torch.export`` takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch.export import Dim
from torch.export.dynamic_shapes import _DimHint, _DimHintType
from torch.utils import _pytree as pytree
from torch.utils._sympy.value_ranges import bound_sympy

from .given import by_parameter


class Asked(NamedTuple):
    """The smallest, the usual and the largest size that were asked for; None where nothing was said."""

    low: int | None
    usual: int | None
    high: int | None


def dynamic_shapes_of(asked: Sequence[Mapping[int, Asked]], model: Any, spec: pytree.TreeSpec) -> Any:
    """What ``torch.export`` takes for dynamic dimensions, nested as the parameters of ``model`` are.

    Args:
        asked: the dynamic dimensions of each leaf.
        model: the module or function.
        spec: the structure of ``(args, kwargs)``.
    """
    hints = [{i: Dim.DYNAMIC(min=size.low, max=size.high) for i, size in dims.items()} or None for dims in asked]
    return by_parameter(model, *_nested(iter(hints), spec))


def asked_by(dynamic_shapes: Any, model: Any, spec: pytree.TreeSpec) -> tuple[Mapping[int, Asked], ...]:
    """What ``dynamic_shapes`` asks of each leaf; nothing where its structure is none that is known here."""
    count = spec.num_leaves
    parameters = by_parameter(model, *pytree.tree_unflatten(range(count), spec))
    shapes = dynamic_shapes if isinstance(dynamic_shapes, Mapping) else None
    if isinstance(dynamic_shapes, (tuple, list)):
        shapes = dict(zip(parameters, dynamic_shapes, strict=False))
    asked: list[Mapping[int, Asked]] = [{} for _ in range(count)]
    for name, value in parameters.items():
        indices, structure = pytree.tree_flatten(value)
        try:
            given = structure.flatten_up_to((shapes or {}).get(name))
        except ValueError:  # torch.export says itself what it does not take
            continue
        for index, dims in zip(indices, given, strict=True):
            numbered = dims.items() if isinstance(dims, Mapping) else enumerate(dims or ())
            asked[index] = {i: one for i, dim in numbered if (one := _asked(dim)) is not None}
    return tuple(asked)


def without_names(dynamic_shapes: Any) -> Any:
    """``dynamic_shapes`` with hints in place of named dimensions.

    A name is a promise that the model allows every size in the range; ``torch.export`` refuses a model that does not.
    With hints it says what the model does allow, which becomes the signature of the converted module.
    """
    return pytree.tree_map_only(Dim, _hint, dynamic_shapes)


def allowed(size: torch.SymInt, constraints: Mapping[Any, Any]) -> tuple[int, int | None]:
    """The smallest and the largest value that an export allows a dynamic size; None where nothing bounds it above."""
    limits = bound_sympy(size.node.expr, dict(constraints))
    low, high = (int(bound) if bound.is_Integer else None for bound in (limits.lower, limits.upper))
    return max(low or 0, 0), high


def _nested(hints: Iterator[Any], spec: pytree.TreeSpec) -> Any:
    """The hints in a structure; of a registered class those of its children, as ``torch.export`` takes them."""
    if spec.is_leaf():
        return next(hints)
    children = [_nested(hints, child) for child in spec.children()]
    builtin = spec.type in pytree.BUILTIN_TYPES
    return pytree.SUPPORTED_NODES[spec.type].unflatten_fn(children, spec.context) if builtin else children


def _asked(dim: Any) -> Asked | None:
    if isinstance(dim, Dim):
        # a Dim's minimum is 0 where none was given, which is not to ask for empty tensors
        return Asked(int(dim.min) or None, None, _finite(dim.max))
    if isinstance(dim, _DimHint) and dim.type is not _DimHintType.STATIC:
        return Asked(dim.min, None, dim.max)
    return None


def _hint(dim: Dim) -> Any:
    return Dim.DYNAMIC(min=int(dim.min), max=_finite(dim.max))


def _finite(size: Any) -> int | None:
    return int(size) if isinstance(size, int) or getattr(size, "is_Integer", False) else None
