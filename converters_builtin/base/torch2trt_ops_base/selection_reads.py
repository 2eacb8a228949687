"""Reading by indices of selected rows, which may be anything in those that do not count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from .emitting import NotExpressibleError, arguments
from .nodes import packet
from .selection_starts import reads_by_places
from .selections import Selections


def _table(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """Embedding and index_select."""
    given = arguments(node)
    table: Any = given.get("weight", given.get("self"))
    index: Any = given.get("indices", given.get("index"))
    dim = given.get("dim", 0) % max(table.meta["val"].dim(), 1)
    if table in state.rows:
        return _of_rows(state, node, [dim])
    if by_mask := reads_by_places(state, table, [*[None] * dim, index]):
        return state.flattened(table, by_mask[0], 1)
    return state.emit.again(node, {index: state.filled(state.rows[index], 0)})


def _gather(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """Also scatter, of which the rows are computed one by one where it is along another dimension."""
    given = arguments(node)
    dim = given["dim"] % node.meta["val"].dim()
    index, tensor = given["index"], given["self"]
    if index not in state.rows:
        raise NotExpressibleError("an index of other rows")
    rows = state.rows[index]
    if packet(node) == "gather" and tensor not in state.rows and rows.dim == dim:
        return state.emit.again(node, {index: state.filled(rows, 0)})
    for operand in node.all_input_nodes:
        if operand not in state.rows or state.rows[operand].dim != rows.dim or rows.dim == dim:
            raise NotExpressibleError("rows that meet others")
    return state.emit.again(node, {**state.wholes(node), index: state.filled(rows, 0)})


def _index(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """By integers."""
    tensor: Any = node.args[0]
    indices: Any = node.args[1]
    if by_mask := reads_by_places(state, tensor, indices):
        first, selection = by_mask
        return state.flattened(tensor, first, selection.shaped.meta["val"].dim())
    given = [index for index in indices if index is not None]
    if any(index.meta["val"].dtype in (torch.bool, torch.uint8) for index in given):
        raise NotExpressibleError("a mask beside other indices")
    if tensor in state.rows:
        return _of_rows(state, node, [dim for dim, index in enumerate(indices) if index is not None])
    filled = {index: state.filled(state.rows[index], 0) for index in given if index in state.rows}
    return state.emit.again(node, filled)


def _of_rows(state: Selections, node: torch.fx.Node, dims: list[int]) -> torch.fx.Node:
    """Read from every row by itself."""
    first, *others = node.all_input_nodes
    if state.rows[first].dim in dims or any(other in state.rows for other in others):
        raise NotExpressibleError("it reads among the rows")
    return state.again(node)


READS: Final[dict[str, Callable[[Selections, torch.fx.Node], torch.fx.Node]]] = {
    **dict.fromkeys(("gather", "scatter", "scatter_add", "scatter_reduce"), _gather),
    "embedding": _table,
    "index_select": _table,
    "index": _index,
}
