"""Rules that take operators apart where PyTorch has none in its default table, or only since some version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
from torch.utils import _pytree as pytree

Rule: TypeAlias = Callable[..., Any]
Table: TypeAlias = dict[torch._ops.OpOverload, Rule]

#: PyTorch has a rule, which the default table does not have, or only since a later version than the oldest supported
_OF_PYTORCH = (
    torch.ops.aten.linalg_vector_norm.default,
    torch.ops.aten._native_batch_norm_legit.no_stats,
    torch.ops.aten._native_batch_norm_legit_functional.default,
    torch.ops.aten.native_group_norm.default,
)
#: copies of views that the default table does not have, by the view
_COPIES: dict[str, Rule] = {
    "_neg_view_copy": torch.neg,
    "_reshape_alias_copy": lambda input, size, stride: input.reshape(size),
    "_reshape_copy": torch.reshape,
    "as_strided_copy": torch.as_strided,
    "detach_copy": torch.detach,
    "narrow_copy": torch.narrow,
    "split_copy": torch.split,
    "unbind_copy": torch.unbind,
    "view_copy": torch.Tensor.view,
}
#: what PyTorch runs for these primitives writes to a tensor, or draws random numbers
_WRITING = ("collapse", "normal")


def add_rules(table: Table) -> None:
    """Add those that ``table`` does not have."""
    rules: dict[Any, Rule] = torch._decomp.get_decompositions(_OF_PYTORCH)
    for overload, rule in (*rules.items(), *_rules_of_copies(), *_rules_of_prims()):
        table.setdefault(overload, rule)


def _rules_of_copies() -> Iterator[tuple[torch._ops.OpOverload, Rule]]:
    """``split_copy`` as copies of what ``split`` gives."""
    for name, view in _COPIES.items():
        packet = getattr(torch.ops.aten, name, None)
        for overload in packet.overloads() if packet is not None else ():
            if not overload.endswith("out"):
                yield getattr(packet, overload), _copying(view)


def _copying(view: Rule) -> Rule:
    def rule(*args: Any, **kwargs: Any) -> Any:
        return pytree.tree_map(torch.clone, view(*args, **kwargs))

    return rule


def _rules_of_prims() -> Iterator[tuple[torch._ops.OpOverload, Rule]]:
    """The primitive operators that PyTorch's own rules come down to, by what PyTorch runs for them."""
    for name in torch._prims.__all__:
        overload: Any = getattr(getattr(torch.ops.prims, name, None), "default", None)
        if name not in _WRITING and hasattr(overload, "impl_aten") and not overload._schema.is_mutable:
            yield overload, _as_aten(overload.impl_aten)


def _as_aten(implementation: Rule) -> Rule:
    def rule(*args: Any, **kwargs: Any) -> Any:
        try:
            return implementation(*args, **kwargs)
        except (NotImplementedError, TypeError):
            # not for every primitive, nor with every argument
            return NotImplemented

    return rule
