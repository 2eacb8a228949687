"""What is computed of the rows that a mask selects, where the result's own size does not depend on the mask.

``x[m].mean()`` and ``x[m] = f(x[m])`` need no selected rows, whose number only the run knows: a selection is held as
the whole tensor, in which some rows do not count.  Calls that compute each row by itself run on all rows, reductions
replace the rows that do not count by what is neutral, and assignments choose with ``where``.  What the other rows hold
never meets those that count, so it may be anything, NaN too.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols
from torch.utils import _pytree as pytree

from .emitting import Emitter, NotExpressibleError, arguments
from .nodes import packet

aten: Final = torch.ops.aten


@dataclass(eq=False, slots=True)
class Selection:
    """Which of some rows count."""

    #: one bool for each row
    mask: torch.fx.Node
    #: the mask in the shape that it selects in; a row stands for each of its elements
    shaped: torch.fx.Node
    #: what PyTorch calls the number of the rows that count
    counts: list[torch.SymInt] = field(default_factory=list)

    def has(self, size: Any) -> bool:
        """Whether a size is the number of the rows that count."""
        return any(count.node.expr == size.node.expr for count in self.counts)


@dataclass(frozen=True, slots=True)
class Rows:
    """A tensor of selected rows."""

    #: the tensor with all rows
    whole: torch.fx.Node
    #: the dimension of the rows
    dim: int
    selection: Selection
    #: of the rows' own places in the mask: in which of its dimensions; the first, where several stand side by side
    coordinate: int | None = None

    @property
    def from_end(self) -> int:
        """The dimension of the rows, counted from the end."""
        return self.dim - int(self.whole.meta["val"].dim())


def data_dependent(value: Any) -> list[int]:
    """The dimensions of a tensor whose sizes depend on the values of tensors."""
    if not isinstance(value, torch.Tensor):
        return []
    sizes: Any = value.shape
    return [dim for dim, size in enumerate(sizes) if isinstance(size, torch.SymInt) and free_unbacked_symbols(size)]


def ragged_dim(value: Any) -> int:
    """The only dimension whose size depends on values."""
    dims = data_dependent(value)
    if len(dims) != 1:
        raise NotExpressibleError("more than one size depends on values")
    return dims[0]


def is_one(value: torch.Tensor, from_end: int) -> bool:
    """Whether a tensor is broadcast in a dimension, counted from the end."""
    return value.dim() < -from_end or (isinstance(value.shape[from_end], int) and value.shape[from_end] == 1)


class Selections:
    """The selections of a graph, and the whole tensors beside the selected ones."""

    def __init__(self, graph: torch.fx.Graph) -> None:
        self.emit = Emitter(graph)
        self.rows: dict[torch.fx.Node, Rows] = {}
        #: of calls with several results, with the selection that their rows have
        self.several: dict[torch.fx.Node, tuple[torch.fx.Node, Selection]] = {}
        #: the numbers of rows that count, as the graph has them
        self.counts: dict[torch.fx.Node, Selection] = {}
        #: what the model computes of constants alone; a mask among them is an index that is known
        self.constants: set[torch.fx.Node] = set()
        self._by_key: dict[Any, Selection] = {}
        self._same: dict[Any, torch.fx.Node] = {}
        self._representative: dict[torch.fx.Node, torch.fx.Node] = {}

    def note(self, node: torch.fx.Node) -> None:
        """Remember what a node computes, so that a mask that the model computes twice is one."""
        self._representative[node] = node
        if node.meta.get("constant"):
            self.constants.add(node)
        if not isinstance(node.target, torch._ops.OpOverload) or torch.Tag.nondeterministic_seeded in node.target.tags:
            return
        if self.constants.issuperset(node.all_input_nodes):
            self.constants.add(node)
        if packet(node) in ("clone", "alias"):
            self._representative[node] = self._representative.get(node.args[0], node)  # type: ignore[arg-type]  # a node
            return
        leaves, spec = pytree.tree_flatten((node.args, node.kwargs))
        known = [self._representative.get(v, v) if isinstance(v, torch.fx.Node) else (type(v), repr(v)) for v in leaves]
        self._representative[node] = self._same.setdefault((node.target, *known, str(spec)), node)

    def key(self, kind: str, *masks: torch.fx.Node) -> tuple[Any, ...]:
        """What tells selections apart."""
        return (kind, *(self._representative.get(mask, mask) for mask in masks))

    def selected(self, key: tuple[Any, ...]) -> Selection | None:
        """The selection that is known by a key."""
        return self._by_key.get(key)

    def select(self, shaped: torch.fx.Node, key: tuple[Any, ...]) -> Selection:
        """A selection by a new mask."""
        selection = self._by_key[key] = Selection(self.emit.view(shaped, [-1]), shaped)
        return selection

    def found(
        self, node: torch.fx.Node, whole: torch.fx.Node, selection: Selection, coordinate: int | None = None
    ) -> None:
        """Note that ``node`` has rows of ``whole``."""
        dim = ragged_dim(node.meta["val"])
        selection.counts.append(node.meta["val"].shape[dim])
        self.rows[node] = Rows(whole, dim, selection, coordinate)

    def computed(self, node: torch.fx.Node, whole: torch.fx.Node) -> None:
        """Note that ``node`` has, of its operands' rows, those of ``whole``."""
        if isinstance(whole.meta["val"], (tuple, list)):
            self.several[node] = (whole, self.selection_of(node))
            return
        self.rows[node] = Rows(
            whole, ragged_dim(node.meta["val"]), self.selection_of(node), self._coordinate(node, whole)
        )

    def hold_rows(self, node: torch.fx.Node) -> None:
        """Hold that all results of a call have the rows of its operands."""
        selection = self.selection_of(node)
        for value in pytree.tree_leaves(node.meta["val"]):
            if data_dependent(value) and not selection.has(value.shape[ragged_dim(value)]):
                raise NotExpressibleError("it has other rows")

    def _coordinate(self, node: torch.fx.Node, whole: torch.fx.Node) -> int | None:
        """Which coordinate a call picks of those of the rows."""
        source: Any = self.rows.get(node.args[0]) if node.args else None  # type: ignore[arg-type]  # a node
        if source is None or source.coordinate is None:
            return None
        name, flat = packet(node), whole.meta["val"].dim() == 1
        if name in ("select", "slice") and node.args[1] == 1 and arguments(node).get("step", 1) == 1:
            return int(source.coordinate + node.args[2])
        return source.coordinate if name in ("clone", "alias") or (flat and name in ("squeeze", "view")) else None

    def selection_of(self, node: torch.fx.Node) -> Selection:
        """The only selection that the operands of a call are of."""
        # a mask that writes to rows is of other ones
        operands: Any = node.args[:1] if packet(node) == "index_put" else node.all_input_nodes
        used = [self.rows[operand].selection for operand in operands if operand in self.rows]
        used += [self.counts[operand] for operand in node.all_input_nodes if operand in self.counts and not used]
        if not used or any(one is not used[0] for one in used):
            raise NotExpressibleError("rows of several selections")
        return used[0]

    def wholes(self, node: torch.fx.Node) -> dict[torch.fx.Node, Any]:
        """For the operands of a call that have selected rows, what has all."""
        return {operand: self.rows[operand].whole for operand in node.all_input_nodes if operand in self.rows}

    def again(self, node: torch.fx.Node, **changes: Any) -> torch.fx.Node:
        """The call of ``node`` with all rows."""
        return self.emit.again(node, self.wholes(node), **changes)

    def mask(self, rows: Rows) -> torch.fx.Node:
        """The mask in a shape that meets the rows where they are."""
        return self.mask_at(rows.selection, rows.from_end)

    def mask_at(self, selection: Selection, from_end: int) -> torch.fx.Node:
        """The mask of a selection along a dimension that is counted from the end."""
        return self.emit.view(selection.mask, [-1, *[1] * (-from_end - 1)])

    def filled(self, rows: Rows, value: Any) -> torch.fx.Node:
        """The whole tensor with ``value`` in the rows that do not count."""
        neutral = self.emit.full([], value, rows.whole)
        return self.emit(aten.where.self, self.mask(rows), rows.whole, neutral)

    def flattened(self, node: torch.fx.Node, first: int, count: int) -> torch.fx.Node:
        """A tensor with dimensions from ``first`` on joined to one of rows."""
        if count == 1:
            return node
        sizes = self.emit.sizes(node)
        return self.emit.view(node, [*sizes[:first], -1, *sizes[first + count :]])

    def length(self, selection: Selection) -> Any:
        """How many rows there are, whether they count or not."""
        return self.emit.size(selection.mask, 0)


def pick(state: Selections, node: torch.fx.Node) -> bool:
    """One result of a call with several."""
    if node.target is not operator.getitem or node.args[0] not in state.several:
        return False
    whole, selection = state.several[node.args[0]]  # type: ignore[index]  # a node
    index: Any = node.args[1]
    part = state.emit.node(operator.getitem, (whole, index), {}, whole.meta["val"][index])
    if not data_dependent(node.meta["val"]):
        node.replace_all_uses_with(part)
        return True
    source: Any = state.rows.get(node.args[0].args[0])  # type: ignore[union-attr, arg-type]  # nodes
    is_place = packet(node.args[0]) == "unbind" and source is not None and source.coordinate is not None  # type: ignore[arg-type]  # a node
    coordinate = source.coordinate + index if is_place else None
    state.rows[node] = Rows(part, ragged_dim(node.meta["val"]), selection, coordinate)
    return True
