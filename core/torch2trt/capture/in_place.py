"""What a call that writes into its first operand computes, where nobody sees the write but those who use its result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..program.call import written_arguments
from ..program.memory import memory_of


class NotByItselfError(Exception):
    """A call that cannot be taken apart without a look at the others."""


def functional(overload: torch._ops.OpOverload) -> torch._ops.OpOverload:
    """The operator that returns what ``overload`` writes, as ``add`` for ``add_``.

    Raises:
        NotByItselfError: there is none, or it changes what one name of the memory stands for, as ``t_``, and not the
            numbers in it.
    """
    schema = overload._schema
    written = written_arguments(overload)
    is_view = torch.Tag.inplace_view in overload.tags
    if is_view or written != schema.arguments[:1] or len(schema.returns) != 1 or not overload._opname.endswith("_"):
        raise NotByItselfError
    packet = getattr(getattr(torch.ops, overload.namespace), overload._opname.removesuffix("_"), None)
    found = getattr(packet, overload._overloadname, None)
    if found is None or [str(a.type) for a in found._schema.arguments] != [str(a.type) for a in schema.arguments]:
        raise NotByItselfError
    return found  # type: ignore[no-any-return]  # PyTorch does not type it


def written_operands(node: torch.fx.Node) -> list[torch.fx.Node]:
    """The operands that a call writes in place, as its operator's schema says."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return []
    names = (argument.name for argument in node.target._schema.arguments)
    given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    written = [given.get(argument.name) for argument in written_arguments(node.target)]
    return [leaf for leaf in pytree.tree_leaves(written) if isinstance(leaf, torch.fx.Node)]


class Memory:
    """Which values of a traced graph share memory, or may, by the FakeTensors that they were traced with.

    Args:
        graph: the graph.
        by_layout: calls that return a view of their operand or a copy of it.
    """

    def __init__(self, graph: torch.fx.Graph, by_layout: Collection[torch.fx.Node] = ()) -> None:
        self._places = {node: place for place, node in enumerate(graph.nodes)}
        #: for each memory one that stands for all that it may be the same as
        self._first: dict[int, int] = {}
        for node in graph.nodes:
            keys = {memory_of(tensor) for tensor in _tensors(node)}
            if node in by_layout or _may_be_operand(node):  # which some versions of PyTorch trace as a copy
                keys |= {memory_of(tensor) for used in node.all_input_nodes for tensor in _tensors(used)}
                self._unite(keys)
        self._sharing: dict[int, list[torch.fx.Node]] = defaultdict(list)
        for node in graph.nodes:
            for key in {self._same(memory_of(tensor)) for tensor in _tensors(node)}:
                self._sharing[key].append(node)

    def overwritten(self, node: torch.fx.Node) -> list[torch.fx.Node]:
        """The values that are something else after ``node`` wrote into its first operand: all are its result then.

        Raises:
            NotByItselfError: another value is, or may be, that is used later, such as a view or an input.
        """
        (target,) = _tensors(written := node.args[0])  # type: ignore[arg-type]  # a node
        place, same = self._places[node], []
        for other in self.sharing(written):  # type: ignore[arg-type]  # a node
            if other.op == "placeholder":
                raise NotByItselfError
            if self._places[other] >= place:
                break
            if other is written or _alike(other.meta["val"], target):
                same.append(other)
            elif any(self._places[user] > place for user in other.users):
                raise NotByItselfError
        return same

    def sharing(self, node: torch.fx.Node) -> list[torch.fx.Node]:
        """The values that share memory with a tensor, or may, itself among them, in the order of the graph."""
        (target,) = _tensors(node)
        return self._sharing[self._same(memory_of(target))]

    def is_before(self, node: torch.fx.Node, other: torch.fx.Node) -> bool:
        """Whether ``node`` stands before the other one."""
        return self._places[node] < self._places[other]

    def _same(self, key: int) -> int:
        while key in self._first:
            key = self._first[key]
        return key

    def _unite(self, keys: set[int]) -> None:
        first, *others = {self._same(key) for key in keys} or {0}
        self._first |= dict.fromkeys(others, first)


def _may_be_operand(node: torch.fx.Node) -> bool:
    """Whether what an operator returns may be its operand, or a view of it, and its schema does not say so."""
    tagged = torch.Tag.maybe_aliasing_or_mutating in getattr(node.target, "tags", ())
    return bool(tagged) and "batch_norm" not in str(
        node.target
    )  # which writes its statistics, and returns a new tensor


def _tensors(node: torch.fx.Node) -> list[torch.Tensor]:
    return [value for value in pytree.tree_leaves(node.meta.get("val")) if isinstance(value, torch.Tensor)]


def _alike(one: Any, other: torch.Tensor) -> bool:
    """Whether two tensors are the same elements of the same memory."""
    return isinstance(one, torch.Tensor) and memory_of(one) == memory_of(other) and _geometry(one) == _geometry(other)


def _geometry(tensor: torch.Tensor) -> tuple[Any, ...]:
    # as text: a comparison of sizes that vary would be a guard
    return tensor.dtype, str(tensor.shape), str(tensor.stride()), str(tensor.storage_offset())
