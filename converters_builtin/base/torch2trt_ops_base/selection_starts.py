"""Where selections begin: reading by a mask, and the places of what is true."""

from __future__ import annotations

import math
from typing import Any, Final

import torch

from .emitting import NotExpressibleError, arguments
from .nodes import packet
from .selections import Selection, Selections, data_dependent, ragged_dim

aten: Final = torch.ops.aten


def start(state: Selections, node: torch.fx.Node) -> bool:
    """Note the selection that ``node`` begins; whether it begins one."""
    begin = _STARTS.get(packet(node))
    # the mask, or the indices
    if packet(node) in _BY_MASK and state.constants.issuperset(node.all_input_nodes[-1:]):
        return False
    return begin is not None and data_dependent(node.meta.get("val")) != [] and begin(state, node)


def _nonzero(state: Selections, node: torch.fx.Node) -> bool:
    tensor: Any = node.args[0]
    if data_dependent(tensor.meta["val"]):
        raise NotExpressibleError("places among the rows that count")
    selection = _selection(state, tensor)
    columns = [state.emit(aten.unsqueeze.default, c, 1) for c in coordinates(state, selection)]
    grid = columns[0] if len(columns) == 1 else state.emit(aten.cat.default, columns, 1)
    state.found(node, grid, selection, 0)
    return True


def _selection(state: Selections, tensor: torch.fx.Node) -> Selection:
    """What is true, or not 0, in a tensor that has all its elements."""
    is_mask = tensor.meta["val"].dtype is torch.bool
    if not tensor.meta["val"].dim():
        raise NotExpressibleError("a mask without dimensions")
    key = state.key("mask" if is_mask else "not 0", tensor)
    return state.selected(key) or state.select(tensor if is_mask else state.emit(aten.ne.Scalar, tensor, 0), key)


def coordinates(state: Selections, selection: Selection) -> list[torch.fx.Node]:
    """For every element of the mask its place, one tensor for each dimension."""
    device = selection.mask.meta["val"].device
    sizes = state.emit.sizes(selection.shaped)
    found = []
    for dim, size in enumerate(sizes):
        place = state.emit(aten.arange.start_step, 0, size, 1, dtype=torch.int64, device=device)
        column = state.emit.view(place, [-1, *[1] * (len(sizes) - dim - 1)])
        found.append(state.emit.view(state.emit(aten.expand.default, column, sizes), [-1]))
    return found


def _masked_select(state: Selections, node: torch.fx.Node) -> bool:
    tensor, mask = node.all_input_nodes[0], node.all_input_nodes[-1]
    if data_dependent(tensor.meta["val"]) or data_dependent(mask.meta["val"]):
        raise NotExpressibleError("a mask of rows that broadcast")
    if _same_shape(tensor, mask):
        selection = _selection(state, mask)
    else:
        key = state.key("masked_select", tensor, mask)
        sizes = _broadcast_sizes(state, tensor, mask)
        selection = state.selected(key) or state.select(state.emit(aten.expand.default, mask, sizes), key)
    whole = state.emit(aten.expand.default, tensor, state.emit.sizes(selection.shaped))
    state.found(node, state.emit.view(whole, [-1]), selection)
    return True


def _broadcast_sizes(state: Selections, tensor: torch.fx.Node, mask: torch.fx.Node) -> list[Any]:
    sizes: list[Any] = [1] * max(tensor.meta["val"].dim(), mask.meta["val"].dim())
    for operand in (tensor, mask):
        for dim, size in enumerate(reversed(state.emit.sizes(operand)), 1):
            if size != 1:
                sizes[-dim] = size
    return sizes


def _same_shape(first: torch.fx.Node, second: torch.fx.Node) -> bool:
    return _known(first.meta["val"].shape) == _known(second.meta["val"].shape)


def _known(sizes: Any) -> list[Any]:
    """Sizes that compare by what they are computed from."""
    return [size if isinstance(size, int) else size.node.expr for size in sizes]


def _whole(state: Selections, operand: Any) -> torch.fx.Node:
    if operand in state.rows:
        return state.rows[operand].whole
    if data_dependent(operand.meta["val"]):
        raise NotExpressibleError("rows that are not known")
    whole: torch.fx.Node = operand
    return whole


def _index(state: Selections, node: torch.fx.Node) -> bool:
    tensor: Any = node.args[0]
    indices: Any = node.args[1]
    given = [(dim, index) for dim, index in enumerate(indices) if index is not None]
    if len(given) != 1:
        return False
    ((dim, index),) = given
    if index.meta["val"].dtype is not torch.bool:
        return False
    selection = mask_selection(state, tensor, dim, index)
    state.found(node, state.flattened(_whole(state, tensor), dim, index.meta["val"].dim()), selection)
    return True


def _joined(state: Selections, node: torch.fx.Node) -> bool:
    """Rows of several selections one after the other, and some that all count."""
    parts: Any = node.args[0]
    dim = ragged_dim(node.meta["val"])
    if arguments(node)["dim"] % node.meta["val"].dim() != dim:
        return False
    masks, names = [], []
    for part in parts:
        rows, whole = state.rows.get(part), _whole(state, part)
        if rows is None:
            size = state.emit.size(whole, dim)
            names.append(_known(whole.meta["val"].shape)[dim])
            masks.append(state.emit(aten.full.default, [size], True, device=whole.meta["val"].device))
        elif rows.dim == dim:
            names.append(rows.selection)
            masks.append(rows.selection.mask)
        else:
            raise NotExpressibleError("rows that meet others")
    key = ("joined", *names)
    selection = state.selected(key) or state.select(state.emit(aten.cat.default, masks, 0), key)
    state.found(node, state.emit(aten.cat.default, [_whole(state, part) for part in parts], dim), selection)
    return True


def _repeated(state: Selections, node: torch.fx.Node) -> bool:
    """Rows taken apart into shorter ones, of which as many count for each."""
    rows, value = state.rows.get(node.args[0]), node.meta["val"]  # type: ignore[arg-type]  # a node
    if rows is None or rows.selection.has(value.shape[dim := ragged_dim(value)]):
        return False
    shapes = _known(node.args[0].meta["val"].shape), _known(value.shape)  # type: ignore[union-attr]  # a node
    longer, shorter = math.prod(shapes[0][rows.dim + 1 :]), math.prod(shapes[1][dim + 1 :])
    if math.prod(shapes[0][: rows.dim]) != math.prod(shapes[1][:dim]) or not isinstance(longer, int):
        raise NotExpressibleError("it makes other rows")
    if not isinstance(shorter, int) or not shorter or longer % shorter:
        raise NotExpressibleError("it makes other rows")
    key = ("repeated", rows.selection, longer // shorter)
    sizes = [state.length(rows.selection), longer // shorter]
    selection = state.selected(key) or state.select(
        state.emit.view(
            state.emit(aten.expand.default, state.emit(aten.unsqueeze.default, rows.selection.mask, 1), sizes), [-1]
        ),
        key,
    )
    shape = [-1 if place == dim else size for place, size in enumerate(node.args[1])]  # type: ignore[arg-type]  # a list
    state.found(node, state.emit.view(rows.whole, shape), selection)
    return True


def mask_selection(state: Selections, tensor: Any, dim: int, mask: torch.fx.Node) -> Selection:
    """What a mask selects of ``tensor`` from ``dim`` on; of rows, the mask says which of those that count."""
    rows = state.rows.get(mask)
    if rows is None:
        if data_dependent(mask.meta["val"]) or tensor in state.rows:
            raise NotExpressibleError("a mask beside the rows")
        return _selection(state, mask)
    outer = state.rows.get(tensor)
    if outer is None or outer.selection is not rows.selection or outer.dim != dim + rows.dim:
        raise NotExpressibleError("a mask of other rows")
    key = state.key("among", mask)
    return state.selected(key) or state.select(state.emit(aten.logical_and.default, rows.whole, state.mask(rows)), key)


def reads_by_places(state: Selections, tensor: Any, indices: Any) -> tuple[int, Selection] | None:
    """Whether indices are the places of what a mask selects, in the order of its dimensions, of a tensor of its size.

    Then they stand for the mask itself: from which dimension on, and the selection.
    """
    given = [(dim, state.rows.get(index)) for dim, index in enumerate(indices) if index is not None]
    rows = [row for _, row in given]
    if tensor in state.rows or not rows or rows[0] is None:
        return None
    selection, first = rows[0].selection, given[0][0]
    shape = selection.shaped.meta["val"].shape
    in_order = [(first + place, place) for place in range(len(shape))]
    if [(dim, row.coordinate) for dim, row in given if row is not None and row.selection is selection] != in_order:
        return None
    if len(given) != len(shape) or any(row is None or row.whole.meta["val"].dim() != 1 for row in rows):
        return None
    same = _known(tensor.meta["val"].shape[first : first + len(shape)]) == _known(shape)
    return (first, selection) if same else None


def numel(sizes: Any) -> Any:
    """The product of sizes."""
    return math.prod(_known(sizes))


_BY_MASK: Final = ("nonzero", "masked_select", "index")
_STARTS: Final = {
    "nonzero": _nonzero,
    "masked_select": _masked_select,
    "index": _index,
    "cat": _joined,
    **dict.fromkeys(("view", "_unsafe_view"), _repeated),
}
