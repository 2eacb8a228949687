"""Rewriting a captured graph so that selected rows are not needed where only what is computed of them is."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .emitting import NotExpressibleError, arguments
from .nodes import packet
from .selection_ends import end
from .selection_rows import row_by_row
from .selection_starts import start
from .selections import Selections, data_dependent, pick

aten: Final = torch.ops.aten
_BEGINNINGS: Final = ("nonzero", "masked_select", "index")


def without_selecting(graph_module: torch.fx.GraphModule) -> None:
    """Rewrite the graph, and those that its calls run, in place."""
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            graph = module.graph
            if any(packet(node) in _BEGINNINGS and data_dependent(node.meta["val"]) for node in graph.nodes):
                _Rewriting(graph).run()


class _Rewriting:
    """One pass over a graph."""

    def __init__(self, graph: torch.fx.Graph) -> None:
        self._graph = graph
        self._state = Selections(graph)

    def run(self) -> None:
        for node in list(self._graph.nodes):
            if node.op in ("call_function", "placeholder"):
                self._state.note(node)
            if node.op == "call_function":
                self._state.emit.before(node)
                try:
                    self._visit(node)
                except NotExpressibleError:
                    continue
        self._read_counts()
        # what a number must be is known also where nothing uses it
        self._graph.eliminate_dead_code(_has_effect)

    def _read_counts(self) -> None:
        """Count the rows where their number is used as one, and not as a size of what they are in."""
        used: set[torch.fx.Node] = set()
        for node in reversed(self._graph.nodes):
            if node.op == "output" or _has_effect(node) or not used.isdisjoint(node.users):
                used.add(node)
        for node, selection in self._state.counts.items():
            if node in used and all(_is_number(user, used) for user in node.users if user in used):
                self._state.emit.before(node)
                total = self._state.emit(aten.sum.dim_IntList, selection.mask, [0], dtype=torch.int64)
                read = self._state.emit.node(aten._local_scalar_dense.default, (total,), {}, node.meta["val"])
                node.replace_all_uses_with(read)

    def _visit(self, node: torch.fx.Node) -> None:
        state = self._state
        if start(state, node) or pick(state, node) or self._is_size(node):
            return
        if not any(used in state.rows or used in state.counts for used in node.all_input_nodes):
            return
        if any(map(data_dependent, pytree.tree_leaves(node.meta.get("val")))):
            state.computed(node, row_by_row(state, node))
        elif any(used in state.rows for used in node.all_input_nodes):
            replaced = end(state, node)
            if isinstance(node.meta.get("val"), torch.Tensor):
                node.replace_all_uses_with(replaced)

    def _is_size(self, node: torch.fx.Node) -> bool:
        """A size of selected rows: their number, or one that all rows have."""
        if node.target is not aten.sym_size.int or node.args[0] not in self._state.rows:
            return False
        rows = self._state.rows[node.args[0]]  # type: ignore[index]  # a node
        dim: Any = node.args[1]
        if dim % rows.whole.meta["val"].dim() == rows.dim:
            self._state.counts[node] = rows.selection
        else:
            node.replace_all_uses_with(self._state.emit.size(rows.whole, dim))
        return True


def _has_effect(node: torch.fx.Node) -> bool:
    return node.is_impure() or packet(node) == "_local_scalar_dense"


def _is_number(user: torch.fx.Node, used: set[torch.fx.Node]) -> bool:
    """Whether a call takes a count as a number, and not as a size of something."""
    if user.op == "output":
        return True
    if not isinstance(user.target, torch._ops.OpOverload):
        return all(_is_number(later, used) for later in user.users if later in used)
    if any(map(data_dependent, pytree.tree_leaves(user.meta["val"]))):
        return False
    kinds = {argument.name: str(argument.type) for argument in user.target._schema.arguments}
    others = [v for name, v in arguments(user).items() if not any(kind in kinds[name] for kind in ("Tensor", "number"))]
    nodes = [value for value in pytree.tree_leaves(others) if isinstance(value, torch.fx.Node)]
    return all(isinstance(value.meta["val"], torch.Tensor) for value in nodes)
