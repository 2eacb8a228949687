"""What a call that writes into its first operand computes, where nobody sees the write but those who use its result."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch.utils import _pytree as pytree


def functional(overload: torch._ops.OpOverload) -> torch._ops.OpOverload | None:
    """The operator that returns what ``overload`` writes, as ``add`` for ``add_``; None where there is none."""
    schema = overload._schema
    written = [a for a in schema.arguments if a.alias_info is not None and a.alias_info.is_write]
    if written != schema.arguments[:1] or len(schema.returns) != 1 or not overload._opname.endswith("_"):
        return None
    packet = getattr(getattr(torch.ops, overload.namespace), overload._opname.removesuffix("_"), None)
    found = getattr(packet, overload._overloadname, None)
    if found is None or [str(a.type) for a in found._schema.arguments] != [str(a.type) for a in schema.arguments]:
        return None
    return found  # type: ignore[no-any-return]  # PyTorch does not type it


class Memory:
    """Which values of a traced graph share memory, by the FakeTensors that they were traced with."""

    def __init__(self, graph: torch.fx.Graph) -> None:
        self._places = {node: place for place, node in enumerate(graph.nodes)}
        self._sharing: dict[int, list[torch.fx.Node]] = defaultdict(list)
        for node in graph.nodes:
            for key in {tensor.untyped_storage()._cdata for tensor in _tensors(node)}:
                self._sharing[key].append(node)

    def overwritten(self, node: torch.fx.Node) -> list[torch.fx.Node] | None:
        """The values that are something else after ``node`` wrote into its first operand: all are its result then.

        None where another value is that is used later, such as a view or an input.
        """
        (target,) = _tensors(written := node.args[0])  # type: ignore[arg-type]  # a node
        place, same = self._places[node], []
        for other in self._sharing[target.untyped_storage()._cdata]:
            if other.op == "placeholder":
                return None
            if self._places[other] >= place:
                break
            if other is written or _alike(other.meta["val"], target):
                same.append(other)
            elif any(self._places[user] > place for user in other.users):
                return None
        return same


def _tensors(node: torch.fx.Node) -> list[torch.Tensor]:
    return [value for value in pytree.tree_leaves(node.meta.get("val")) if isinstance(value, torch.Tensor)]


def _alike(one: Any, other: torch.Tensor) -> bool:
    """Whether two tensors of the same memory are the same elements of it."""
    return isinstance(one, torch.Tensor) and _geometry(one) == _geometry(other)


def _geometry(tensor: torch.Tensor) -> tuple[Any, ...]:
    # as text: a comparison of sizes that vary would be a guard
    return tensor.dtype, str(tensor.shape), str(tensor.stride()), str(tensor.storage_offset())
