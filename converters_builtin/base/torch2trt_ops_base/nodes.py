"""What the pack asks of the nodes of a captured graph."""

from __future__ import annotations

import operator
from typing import Any, Final

import torch

_NAMESPACES: Final = ("aten", "prims")
#: operators of PyTorch and calls that are kept whole; the operators of others get the dtypes that they were written for
_OWN_NAMESPACES: Final = (*_NAMESPACES, "torch2trt")
#: operators that cast
CASTS: Final = ("_to_copy", "convert_element_type")
#: operators whose result has the elements of their operand, maybe in another shape
VIEWS: Final = ("view", "unsqueeze", "squeeze", "permute", "clone", "alias", "_unsafe_view")


def packet(node: torch.fx.Node) -> str:
    """``add`` of ``aten.add.Tensor``; empty for what is no call of an operator of PyTorch."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload) and target.namespace in _NAMESPACES:
        return str(target.overloadpacket.__name__)
    return ""


def is_pointwise(node: torch.fx.Node) -> bool:
    """Whether a call computes each element from those at the same place."""
    return isinstance(node.target, torch._ops.OpOverload) and torch.Tag.pointwise in node.target.tags


def is_of_others(node: torch.fx.Node) -> bool:
    """Whether a node calls an operator that is none of PyTorch's."""
    return isinstance(node.target, torch._ops.OpOverload) and node.target.namespace not in _OWN_NAMESPACES


def parts(node: torch.fx.Node) -> list[torch.fx.Node]:
    """The node itself where it has one result, else those that pick its results."""
    if isinstance(node.meta.get("val"), torch.Tensor):
        return [node]
    return [user for user in node.users if user.target is operator.getitem]


def inserted_cast(node: torch.fx.Node, dtype: torch.dtype, before: torch.fx.Node) -> torch.fx.Node:
    """A call that casts ``node``."""
    with node.graph.inserting_before(before):
        cast = node.graph.call_function(torch.ops.aten._to_copy.default, (node,), {"dtype": dtype})
    cast.meta = {**node.meta, "val": node.meta["val"].to(dtype)}
    return cast


def retyped(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A FakeTensor like ``value`` in another dtype, at the same place of what it is a view of."""
    numbers: list[Any] = [*value.shape, *value.stride(), value.storage_offset()]
    if not all(isinstance(number, int) for number in numbers):
        return value.to(dtype)
    last = sum(max(size - 1, 0) * stride for size, stride in zip(value.shape, value.stride(), strict=True))
    memory = value.new_empty(value.storage_offset() + last + 1, dtype=dtype)
    return memory.as_strided(value.shape, value.stride(), value.storage_offset())
