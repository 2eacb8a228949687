"""Calls that selected rows go into and that give something of a size that does not depend on their number."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .emitting import NotExpressibleError, arguments
from .nodes import packet
from .selection_rows import dims_of
from .selection_writes import WRITES
from .selections import Rows, Selections

aten: Final = torch.ops.aten
_SUMS: Final = {"sum": 0, "prod": 1, "any": False, "all": True}
_LEAST: Final = ("amax", "max")
_EXTREMES: Final = (*_LEAST, "amin", "min")
_HALF: Final = (torch.float16, torch.bfloat16)


def end(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """The result of ``node`` from all rows; :class:`NotExpressibleError` where it takes the selected ones."""
    name = packet(node)
    handler = WRITES.get(name) or _HANDLERS.get(name)
    if handler is None:
        raise NotExpressibleError(f"{node.target} may do anything with its rows")
    return handler(state, node)


def _rows(state: Selections, node: torch.fx.Node) -> Rows:
    if node.args[0] not in state.rows:
        raise NotExpressibleError("rows that are not known")
    return state.rows[node.args[0]]  # type: ignore[index]  # a node


def _filled_by(state: Selections, node: torch.fx.Node, value: Any) -> torch.fx.Node:
    filled = state.filled(_rows(state, node), value)
    return state.emit.again(node, {node.args[0]: filled})  # type: ignore[dict-item]  # a node


def _sum(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    return _filled_by(state, node, _SUMS[packet(node)])


def _extreme(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """Of no rows it is the least or largest number of the dtype, where PyTorch raises an error."""
    if not isinstance(node.meta["val"], torch.Tensor):
        return _extreme_of_pair(state, node)
    return _filled_by(state, node, _neutral(state, node))


def _neutral(state: Selections, node: torch.fx.Node) -> Any:
    dtype = _rows(state, node).whole.meta["val"].dtype
    lowest = packet(node) in _LEAST
    if dtype is torch.bool:
        return not lowest
    if dtype.is_floating_point:
        return float("-inf") if lowest else float("inf")
    return torch.iinfo(dtype).min if lowest else torch.iinfo(dtype).max


def _extreme_of_pair(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """``x.max(dim)`` of which only the values are used: the places would be those among the selected rows."""
    given = arguments(node)
    if any(user.target is not operator.getitem or user.args[1] != 0 for user in node.users):
        raise NotExpressibleError("places among the rows that count")
    filled = state.filled(_rows(state, node), _neutral(state, node))
    overload = aten.amax.default if packet(node) == "max" else aten.amin.default
    values = state.emit(overload, filled, [given["dim"]], given["keepdim"])
    for user in list(node.users):
        user.replace_all_uses_with(values)
    return values


def _count(state: Selections, rows: Rows, dims: list[int], dtype: torch.dtype) -> torch.fx.Node:
    """How many elements of the rows that count are in ``dims``."""
    count = state.emit.cast(
        state.emit(aten.sum.dim_IntList, state.emit.cast(rows.selection.mask, torch.int64), [0]), dtype
    )
    for dim in dims:
        if dim != rows.dim:
            count = state.emit(aten.mul.Tensor, count, state.emit.size(rows.whole, dim))
    return count


def _in_opmath(state: Selections, rows: Rows, dtype: torch.dtype) -> torch.fx.Node:
    """The rows, and 0 in those that do not count, in the dtype that PyTorch adds up in."""
    return state.emit.cast(state.filled(rows, 0), torch.float32 if dtype in _HALF else dtype)


def _mean(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    rows = _rows(state, node)
    dtype = pytree.tree_leaves(node.meta["val"])[0].dtype
    dims = dims_of(node, rows.whole.meta["val"].dim())
    filled = _in_opmath(state, rows, dtype)
    keepdim = arguments(node).get("keepdim", False)
    total = state.emit(aten.sum.dim_IntList, filled, dims, keepdim)
    mean = state.emit(aten.div.Tensor, total, _count(state, rows, dims, filled.meta["val"].dtype))
    return state.emit.cast(mean, dtype)


def _variance(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    rows, given = _rows(state, node), arguments(node)
    if "correction" not in given:
        raise NotExpressibleError("another variance")
    dtype = rows.whole.meta["val"].dtype
    dims = dims_of(node, rows.whole.meta["val"].dim())
    filled = _in_opmath(state, rows, dtype)
    count = _count(state, rows, dims, filled.meta["val"].dtype)
    mean = state.emit(aten.div.Tensor, state.emit(aten.sum.dim_IntList, filled, dims, True), count)
    zero = state.emit.full([], 0, filled)
    deviation = state.emit(aten.where.self, state.mask(rows), state.emit(aten.sub.Tensor, filled, mean), zero)
    squares = state.emit(aten.mul.Tensor, deviation, deviation)
    total = state.emit(aten.sum.dim_IntList, squares, dims, given["keepdim"])
    correction = 1 if given["correction"] is None else given["correction"]
    degrees = state.emit(aten.clamp.default, state.emit(aten.sub.Tensor, count, correction), 0)
    variance = state.emit(aten.div.Tensor, total, degrees)
    if packet(node) == "std":
        variance = state.emit(aten.sqrt.default, variance)
    variance = state.emit.cast(variance, dtype)
    for user in list(node.users) if packet(node) == "var_mean" else ():
        user.replace_all_uses_with(variance if user.args[1] == 0 else _mean(state, node))
    return variance


def _product(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """A matrix product along the rows."""
    left, right = node.args[:2]
    if left not in state.rows or right not in state.rows or len(node.args) > 2:
        raise NotExpressibleError("rows that are not known")
    rows = state.rows[left], state.rows[right]  # type: ignore[index]  # nodes
    inner = -1 if rows[1].whole.meta["val"].dim() == 1 else -2
    if rows[0].selection is not rows[1].selection or (rows[0].from_end, rows[1].from_end) != (-1, inner):
        raise NotExpressibleError("rows that meet each other")
    return state.emit(node.target, state.filled(rows[0], 0), state.filled(rows[1], 0))


_HANDLERS: Final[dict[str, Callable[[Selections, torch.fx.Node], torch.fx.Node]]] = {
    **dict.fromkeys(_SUMS, _sum),
    **dict.fromkeys(_EXTREMES, _extreme),
    **dict.fromkeys(("var", "std", "var_mean"), _variance),
    **dict.fromkeys(("mm", "bmm", "matmul", "dot", "mv"), _product),
    "mean": _mean,
}
