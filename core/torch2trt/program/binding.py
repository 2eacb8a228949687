"""Holding the inputs of a call against those of the trace."""

from __future__ import annotations

import re
from typing import Any

from torch.utils import _pytree as pytree


def same(value: Any, fixed: Any) -> bool:
    """Whether a value is the one of the trace: True and 1.0 are not 1, whose dtypes differ, and NaN is NaN."""
    return value is fixed or (type(value) is type(fixed) and repr(value) == repr(fixed))


def in_order(value: Any, spec: pytree.TreeSpec) -> Any:
    """``value`` with its dicts in the order of ``spec``."""
    if type(value) is dict and spec.type is dict and value.keys() == set(spec.context):
        pairs = zip(spec.context, spec.children(), strict=True)
        return {key: in_order(value[key], child) for key, child in pairs}
    if type(value) in (list, tuple) and spec.type is type(value) and len(value) == spec.num_children:
        return type(value)(map(in_order, value, spec.children()))
    return value


def shown(spec: pytree.TreeSpec) -> str:
    """A structure in short, ``*`` for a tensor or a value."""
    return re.sub(r"'\*'", "*", repr(pytree.tree_unflatten(["*"] * spec.num_leaves, spec)))
