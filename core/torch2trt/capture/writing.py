"""Custom operators that write to their arguments, which export turns into calls that return what was written."""

from __future__ import annotations

from typing import Any, Final

import torch

from ..program.call import written_arguments

_FUNCTIONAL: Final = torch.ops.higher_order.auto_functionalized_v2


def written_by(node: torch.fx.Node) -> tuple[torch._ops.OpOverload, dict[str, Any]] | None:
    """The operator that a functional call stands for with its arguments; None for any other call.

    One that writes to a part of a tensor stays as it is.
    """
    if node.target is not _FUNCTIONAL or not isinstance(overload := node.args[0], torch._ops.OpOverload):
        return None
    kwargs = dict(node.kwargs)
    bases: Any = kwargs.pop("_all_bases", ())
    for argument in written_arguments(overload):
        index: Any = kwargs.pop(f"_{argument.name}_base_index", -1)
        if index == -1:
            return None
        kwargs[argument.name] = None if index is None else bases[index]
    return (overload, kwargs) if len(kwargs) <= len(overload._schema.arguments) else None


def place_of_first(node: torch.fx.Node) -> int:
    """Which leaf of a functional call's results is the first: an operator without results has None before them."""
    operator = written_by(node)
    return 1 if operator is not None and not operator[0]._schema.returns else 0
