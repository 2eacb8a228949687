"""Calls that compute every selected row by itself, so that they may have all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .emitting import NotExpressibleError, arguments
from .nodes import packet
from .selection_reads import READS
from .selection_starts import numel
from .selection_writes import WRITES
from .selections import Rows, Selections, data_dependent, is_one, ragged_dim

aten: Final = torch.ops.aten
_POINTWISE: Final = ("_to_copy", "clone", "alias", "convert_element_type", "full_like", "zeros_like", "ones_like")
#: what divides by zero in PyTorch's integers, which nothing may in rows that do not count
_DIVISIONS: Final = ("div", "floor_divide", "remainder", "fmod", "pow")
_ALONG: Final = (
    *("sum", "mean", "prod", "amax", "amin", "any", "all", "var", "var_mean", "std", "argmax", "argmin", "max", "min"),
    *("_softmax", "_log_softmax", "softmax", "log_softmax", "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"),
    *("sort", "topk", "kthvalue", "flip", "roll", "slice", "select", "split_with_sizes", "split", "unbind", "squeeze"),
    *("logsumexp", "gather", "linalg_vector_norm"),
)
#: calls along the rows that give one each, with what is neutral to them
_NEUTRAL_ALONG: Final = {
    **dict.fromkeys(("_softmax", "_log_softmax", "softmax", "log_softmax"), float("-inf")),
    "cumsum": 0,
    "cumprod": 1,
}
#: calls of images or vectors, each by itself in the first dimension
_BATCHES: Final = (
    *("convolution", "conv1d", "conv2d", "conv3d", "group_norm", "native_group_norm"),
    *("_native_batch_norm_legit_no_training", "batch_norm", "max_pool2d", "max_pool2d_with_indices", "max_pool1d"),
    *("avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d", "adaptive_avg_pool2d", "adaptive_avg_pool1d"),
    *("upsample_nearest2d", "upsample_bilinear2d", "upsample_nearest1d", "pixel_shuffle", "constant_pad_nd"),
)


def row_by_row(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """The call of ``node`` with all rows; :class:`NotExpressibleError` where its rows meet each other."""
    target, name = node.target, packet(node)
    if not isinstance(target, torch._ops.OpOverload) or torch.Tag.nondeterministic_seeded in target.tags:
        raise NotExpressibleError("it may do anything with its rows")
    for value in pytree.tree_leaves(node.args):
        if isinstance(value, torch.fx.Node) and data_dependent(value.meta["val"]) and value not in state.rows:
            raise NotExpressibleError("rows that are not known")
    state.hold_rows(node)
    if name in _HANDLERS:
        return _HANDLERS[name](state, node)
    if torch.Tag.pointwise in target.tags or name in _POINTWISE:
        return _pointwise(state, node)
    if name in _ALONG:
        return _along(state, node)
    if name in _BATCHES:
        return _batch(state, node)
    raise NotExpressibleError(f"{target} may do anything with its rows")


def _operand(state: Selections, node: torch.fx.Node) -> Rows:
    """The rows of the first operand, beside which no other has some."""
    if node.args[0] not in state.rows or any(used in state.rows for used in node.all_input_nodes[1:]):
        raise NotExpressibleError("rows beside others")
    return state.rows[node.args[0]]  # type: ignore[index]  # a node


def _pointwise(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    value = node.meta["val"]
    from_end = ragged_dim(value) - value.dim()
    for operand in node.all_input_nodes:
        _meets(state, operand, from_end)
    given, changes = arguments(node), {}
    divisor = given.get("other", given.get("exponent"))
    if packet(node) in _DIVISIONS and divisor in state.rows and not value.dtype.is_floating_point:
        changes["other" if "other" in given else "exponent"] = state.filled(state.rows[divisor], 1)
    return state.again(node, **changes)


def _meets(state: Selections, operand: torch.fx.Node, from_end: int) -> None:
    """Hold that an operand has its rows in a dimension, counted from the end, or one element for all rows."""
    if operand in state.rows:
        if state.rows[operand].from_end != from_end:
            raise NotExpressibleError("rows that meet each other")
    elif isinstance(value := operand.meta["val"], torch.Tensor) and not is_one(value, from_end):
        raise NotExpressibleError("rows that meet others")


def dims_of(node: torch.fx.Node, ndim: int) -> list[int]:
    """The dimensions that a call works along; all where it names none."""
    given = arguments(node)
    dims = given.get("dim", given.get("dims"))
    if dims is None or dims == []:
        return list(range(ndim))
    return [dim % ndim for dim in ([dims] if isinstance(dims, int) else dims)]


def _along(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    rows = _operand(state, node)
    if rows.dim not in dims_of(node, rows.whole.meta["val"].dim()):
        return state.again(node)
    if packet(node) not in _NEUTRAL_ALONG:
        raise NotExpressibleError("it works along the rows")
    filled = state.filled(rows, _NEUTRAL_ALONG[packet(node)])
    return state.emit.again(node, {node.args[0]: filled})  # type: ignore[dict-item]  # a node


def _batch(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    given = arguments(node)
    padded = len(given.get("pad", ())) // 2
    if (rows := _operand(state, node)).dim or padded >= rows.whole.meta["val"].dim():
        raise NotExpressibleError("it works along the rows")
    return state.again(node)


def _moved(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    _operand(state, node)
    return state.again(node)


def _cat(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    """Along another dimension; along that of the rows it begins a selection."""
    parts: Any = node.args[0]
    if any(part not in state.rows or state.rows[part].dim != ragged_dim(node.meta["val"]) for part in parts):
        raise NotExpressibleError("rows that meet others")
    return state.again(node)


def _shape(state: Selections, sizes: Any) -> list[Any]:
    """Sizes with the number of all rows for that of those that count."""
    return [state.length(state.counts[size]) if size in state.counts else size for size in sizes]


def _view(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    rows, value = _operand_with_sizes(state, node), node.meta["val"]
    before = numel(node.args[0].meta["val"].shape[: rows.dim])  # type: ignore[union-attr]  # a node
    if before != numel(value.shape[: ragged_dim(value)]):
        raise NotExpressibleError("it makes other rows")
    return state.emit.view(rows.whole, _shape(state, node.args[1]))


def _operand_with_sizes(state: Selections, node: torch.fx.Node) -> Rows:
    if node.args[0] not in state.rows:
        raise NotExpressibleError("it makes rows")
    return state.rows[node.args[0]]  # type: ignore[index]  # a node


def _expand(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    value = node.meta["val"]
    _meets(state, node.args[0], ragged_dim(value) - value.dim())  # type: ignore[arg-type]  # a node
    return state.again(node, size=_shape(state, node.args[1]))


def _full(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    return state.again(node, size=_shape(state, node.args[0]))


def _layer_norm(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    rows = _operand(state, node)
    if -rows.from_end <= len(arguments(node)["normalized_shape"]):
        raise NotExpressibleError("it works along the rows")
    return state.again(node)


def _product(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    operands: Any = node.args
    *bias, left, right = operands[:3] if packet(node) in ("addmm", "baddbmm") else operands[:2]
    if packet(node) == "linear":
        _operand(state, node)
    value = node.meta["val"]
    from_end = ragged_dim(value) - value.dim()
    for operand in bias:
        _meets(state, operand, from_end)
    by_vector = right.meta["val"].dim() == 1
    for operand, inner in ((left, -1), (right, -2)):
        if operand in state.rows:
            rows = state.rows[operand]
            if rows.from_end == inner or rows.from_end != from_end - by_vector:
                raise NotExpressibleError("rows that meet each other")
            if rows.whole.meta["val"].dim() == 1:
                raise NotExpressibleError("a vector of rows")
        elif from_end < -2 and not is_one(operand.meta["val"], from_end):
            raise NotExpressibleError("rows that meet others")
    return state.again(node)


def _repeat(state: Selections, node: torch.fx.Node) -> torch.fx.Node:
    rows, repeats = _operand(state, node), node.args[1]
    if repeats[rows.from_end] != 1:  # type: ignore[index]  # a list
        raise NotExpressibleError("it repeats the rows")
    return state.again(node)


_HANDLERS: Final[dict[str, Callable[[Selections, torch.fx.Node], torch.fx.Node]]] = {
    **dict.fromkeys(("permute", "unsqueeze", "transpose", "t"), _moved),
    **dict.fromkeys(("view", "_unsafe_view"), _view),
    **dict.fromkeys(("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm"), _layer_norm),
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm", "matmul", "linear"), _product),
    "cat": _cat,
    "expand": _expand,
    "full": _full,
    "repeat": _repeat,
    "index_put": WRITES["index_put"],
    **READS,
}
