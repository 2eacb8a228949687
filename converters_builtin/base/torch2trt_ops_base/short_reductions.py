"""Reductions that TensorRT fuses wrongly with what they reduce, kept in a kernel of their own.

Found on engines of TensorRT for RTX 1.6.1; docs/reference_interpreter.md tells how.  In ``(x * y + x[:1]).sum(1)`` a
part of ``x`` meets all of it, and the kernel that also sums takes wrong elements for the part.  TensorRT makes such
parts of short reductions too, so ``(x - x.mean(0)).abs().sum()`` is wrong where there are two to four to average, and
``x.softmax(0).sum(1)`` where there are up to six.  It is right where a view is between the two: here a dimension more.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, Final

import torch

from .nodes import VIEWS, is_pointwise, packet, parts

aten: Final = torch.ops.aten
#: reductions by the position of their dimensions, if they may have some
_REDUCTIONS: Final = dict.fromkeys(("sum", "mean", "amax", "amin", "prod", "any", "all", "var", "var_mean", "std"), 1)
_WHOLE: Final = ("max", "min")
_SOFTMAXES: Final = ("_softmax", "_log_softmax", "softmax", "log_softmax")
_NORMS: Final = ("layer_norm", "native_layer_norm", "rms_norm")
_PARTS: Final = ("slice", "select", "split_with_sizes", "split", "unbind")
#: the most elements that TensorRT takes one by one
SHORT: Final = 6


def separate_reductions(graph: torch.fx.Graph) -> None:
    """Rewrite the graph in place."""
    for node in list(graph.nodes):
        if _is_reduction(node) and _meets_a_part(_operand(node)):
            _stand_apart(node)


def _is_reduction(node: torch.fx.Node) -> bool:
    name = packet(node)
    if name in _WHOLE:
        return str(node.target).endswith(".default")
    return name in _REDUCTIONS or name in _SOFTMAXES or name in _NORMS


def _meets_a_part(operand: torch.fx.Node) -> bool:
    """Whether elements are computed from a tensor and from a part of it, or a reduction of a few of its elements."""
    origins: dict[bool, set[torch.fx.Node]] = {True: set(), False: set()}
    left, seen = [(operand, False)], set()
    while left:
        node, is_part = left.pop()
        if (node, is_part) in seen:
            continue
        seen.add((node, is_part))
        from_here = list(_next(node, is_part))
        left.extend(from_here)
        if not from_here:
            origins[is_part].add(node)
    return not origins[True].isdisjoint(origins[False])


def _next(node: torch.fx.Node, is_part: bool) -> Iterator[tuple[torch.fx.Node, bool]]:
    """What a value is computed from element by element, and whether from a part of it."""
    name = packet(node)
    if is_pointwise(node) or name in VIEWS or name in ("expand", "_to_copy"):
        yield from ((used, is_part) for used in node.all_input_nodes)
    elif name in _PARTS or node.target is operator.getitem:
        source = _operand(node)
        if name in _PARTS or packet(source) in _PARTS:
            yield source, is_part or _is_one(node)
    elif _is_reduction(node) and _is_short(node):
        yield _operand(node), True
        if name in _SOFTMAXES or name in _NORMS:
            yield _operand(node), is_part


def _is_one(part: torch.fx.Node) -> bool:
    """Whether it is as long as 1 in the dimension that it is a part of, so that it is broadcast."""
    value = part.meta["val"]
    # sizes that depend on values cannot be compared
    sizes = [size for size in value.shape if isinstance(size, int)] if isinstance(value, torch.Tensor) else ()
    return packet(part) == "select" or 1 in sizes


def _is_short(node: torch.fx.Node) -> bool:
    """Whether it is over one dimension with few elements."""
    dims, shape = _dims(node), _operand(node).meta["val"].shape
    return len(dims) == 1 and isinstance(shape[dims[0]], int) and shape[dims[0]] <= SHORT


def _dims(node: torch.fx.Node) -> list[int]:
    """The dimensions that are reduced, counted from the end."""
    ndim = _operand(node).meta["val"].dim()
    given = _given_dims(node)
    if packet(node) in _NORMS:
        return list(range(-len(given), 0))
    dims = [given] if isinstance(given, int) else given or range(ndim)
    return [dim % ndim - ndim for dim in dims] if ndim else []


def _given_dims(node: torch.fx.Node) -> Any:
    """The dimensions as they are given, or the shape that is normalized."""
    return node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")


def _operand(node: torch.fx.Node) -> torch.fx.Node:
    return node.all_input_nodes[0]


def _stand_apart(node: torch.fx.Node) -> None:
    """Reduce a view with one more dimension in front."""
    operand, dims = _operand(node), _dims(node)
    with node.graph.inserting_before(node):
        view = node.graph.call_function(aten.unsqueeze.default, (operand, 0))
    view.meta = dict(node.meta, val=operand.meta["val"].unsqueeze(0))
    node.update_arg(0, view)
    overload: Any = node.target
    if any(argument.name == "dim" for argument in overload._schema.arguments):
        given = dims[0] if isinstance(_given_dims(node), int) else dims
        if len(node.args) > 1:
            node.update_arg(1, given)
        else:
            node.update_kwarg("dim", given)
    elif packet(node) not in _NORMS:
        return  # over all dimensions, of which there is one more
    for result in parts(node):
        _without_first(result)
    if isinstance(node.meta["val"], tuple):
        node.meta["val"] = tuple(value.unsqueeze(0) for value in node.meta["val"])


def _without_first(result: torch.fx.Node) -> None:
    """Let all users of a result have it without its first dimension."""
    with result.graph.inserting_after(result):
        squeezed = result.graph.call_function(aten.squeeze.dims, (result, [0]))
    squeezed.meta = dict(result.meta)
    result.meta["val"] = result.meta["val"].unsqueeze(0)
    result.replace_all_uses_with(squeezed, delete_user_cb=lambda user: user is not squeezed)
