"""Writing selected rows somewhere: assignments by the same mask, and scattering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from .emitting import NotExpressibleError, arguments
from .indexing import adjacent
from .selection_starts import mask_selection, reads_by_places
from .selections import Selection, Selections, data_dependent, is_one

aten: Final = torch.ops.aten


def _index_put(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    given = arguments(node)
    tensor, indices = given["self"], given["indices"]
    dims = [dim for dim, index in enumerate(indices) if index is not None]
    first = indices[dims[0]]
    if given["accumulate"] and tensor.meta["val"].dtype is torch.bool:
        raise NotExpressibleError("accumulating bools")
    if len(dims) == 1 and first.meta["val"].dtype is torch.bool:
        return _put_mask(state, node, dims[0], mask_selection(state, tensor, dims[0], first))
    if by_mask := reads_by_places(state, tensor, indices):
        return _put_mask(state, node, *by_mask)
    if tensor in state.rows or any(state.rows.get(indices[dim]) is None for dim in dims) or not adjacent(dims):
        raise NotExpressibleError("rows written beside others")
    rows = [state.rows[indices[dim]] for dim in dims]
    if any(one.whole.meta["val"].dim() != 1 or one.selection is not rows[0].selection for one in rows):
        raise NotExpressibleError("rows written beside others")
    after = tensor.meta["val"].dim() - dims[-1] - 1
    values = _values(state, given["values"], rows[0].selection, -after - 1)
    if given["accumulate"]:
        filled = {one: state.filled(state.rows[one], 0) for one in (indices[dim] for dim in dims)}
        mask = state.mask_at(rows[0].selection, -after - 1)
        added = state.emit(aten.where.self, mask, values, state.emit.full([], 0, values))
        return state.emit.again(node, filled, values=added)
    if len(dims) > 1:
        raise NotExpressibleError("rows written by several indices")
    return _put_rows(state, node, dims[0], values)


def _values(state: Selections, values: Any, selection: Selection, from_end: int) -> torch.fx.Node:
    """What is written, with all rows in the dimension that the others have them in, or one element for all."""
    example = values.meta["val"]
    if values in state.rows:
        rows = state.rows[values]
        if rows.selection is not selection or rows.from_end != from_end:
            raise NotExpressibleError("other rows are written")
        return rows.whole
    if data_dependent(example) or not is_one(example, from_end):
        raise NotExpressibleError("other rows are written")
    node: torch.fx.Node = values
    return node


def _put_mask(state: Selections, node: torch.fx.Node, dim: int, selection: Selection) -> torch.fx.Node:
    """``where`` with the rows in the shape of the mask."""
    given = arguments(node)
    outer = state.rows.get(given["self"])
    tensor = given["self"] if outer is None else outer.whole
    ndim = selection.shaped.meta["val"].dim()
    after = tensor.meta["val"].dim() - dim - ndim
    values = _values(state, given["values"], selection, -after - 1)
    if ndim > 1 and values.meta["val"].dim() > after:
        sizes = state.emit.sizes(values)
        at = len(sizes) - after - 1
        lengths = state.emit.sizes(selection.shaped) if sizes[at] != 1 else [1] * ndim
        values = state.emit.view(values, [*sizes[:at], *lengths, *sizes[at + 1 :]])
    if given["accumulate"]:
        values = state.emit(aten.add.Tensor, tensor, values)
    mask = state.emit.view(selection.shaped, [*state.emit.sizes(selection.shaped), *[1] * after])
    return state.emit(aten.where.self, mask, state.emit.cast(values, tensor.meta["val"].dtype), tensor)


def _put_rows(state: Selections, node: torch.fx.Node, dim: int, values: torch.fx.Node) -> torch.fx.Node:
    """The rows that do not count go to one more, in front, which is cut off again."""
    given = arguments(node)
    tensor, index = given["self"], state.rows[given["indices"][dim]]
    negative = state.emit(aten.lt.Scalar, index.whole, 0)
    from_start = state.emit(aten.add.Tensor, index.whole, state.emit.size(tensor, dim))
    places = state.emit(aten.where.self, negative, from_start, index.whole)
    indices = [*[None] * dim, _shifted(state, places, state.mask(index))]
    written = state.emit(node.target, _with_one_more(state, tensor, dim), indices, values)
    return state.emit(aten.slice.Tensor, written, dim, 1, torch.iinfo(torch.int64).max)


def _with_one_more(state: Selections, tensor: torch.fx.Node, dim: int) -> torch.fx.Node:
    sizes = state.emit.sizes(tensor)
    row = state.emit.full([*sizes[:dim], 1, *sizes[dim + 1 :]], 0, tensor)
    return state.emit(aten.cat.default, [row, tensor], dim)


def _shifted(state: Selections, places: torch.fx.Node, mask: torch.fx.Node) -> torch.fx.Node:
    """Places in a tensor with one more row in front, which is that of the rows that do not count."""
    return state.emit(aten.where.self, mask, state.emit(aten.add.Tensor, places, 1), state.emit.full([], 0, places))


def _scatter(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    given = arguments(node)
    tensor, index, source = given["self"], given["index"], given.get("src", given.get("source"))
    dim = given["dim"] % max(tensor.meta["val"].dim(), 1)
    along = 0 if index.meta["val"].dim() < tensor.meta["val"].dim() else dim
    if tensor in state.rows or index not in state.rows or state.rows[index].dim != along:
        raise NotExpressibleError("rows that meet others")
    rows, whole = state.rows[index], {}
    if isinstance(source, torch.fx.Node) and source.meta["val"].dim():
        of_source = state.rows.get(source)
        if of_source is None or of_source.selection is not rows.selection or of_source.dim != dim:
            raise NotExpressibleError("other rows are written")
        whole[source] = of_source.whole
    whole[index] = _shifted(state, rows.whole, state.mask(rows))
    written = state.emit.again(node, {**whole, tensor: _with_one_more(state, tensor, dim)})
    return state.emit(aten.slice.Tensor, written, dim, 1, torch.iinfo(torch.int64).max)


def _scatter_add(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """Adds 0 in the first place for rows that do not count."""
    given = arguments(node)
    tensor, index, source = given["self"], given["index"], given["src"]
    rows, of_source = state.rows.get(index), state.rows.get(source)
    if tensor in state.rows or rows is None or of_source is None or not tensor.meta["val"].dim():
        raise NotExpressibleError("rows that meet others")
    dim = given["dim"] % tensor.meta["val"].dim()
    if rows.dim != dim or of_source.dim != dim or rows.selection is not of_source.selection:
        raise NotExpressibleError("rows that meet others")
    return state.emit.again(node, {index: state.filled(rows, 0), source: state.filled(of_source, 0)})


WRITES: Final[dict[str, Callable[[Selections, torch.fx.Node], torch.fx.Node]]] = {
    "index_put": _index_put,
    "scatter_add": _scatter_add,
    **dict.fromkeys(("scatter", "scatter_reduce", "index_reduce"), _scatter),
}
