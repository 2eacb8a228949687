"""Fusions of TensorRT that compute something else, kept from forming.

All were found on engines of TensorRT for RTX 1.6.1; docs/reference_interpreter.md tells how.  Nothing here changes a
number: a product is halved and doubled, a sum is the smaller of itself and infinity.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import Any, Final

import torch

from .nodes import VIEWS, is_pointwise, packet
from .short_reductions import separate_reductions

aten: Final = torch.ops.aten
_CONVOLUTIONS: Final = ("convolution", "conv1d", "conv2d", "conv3d")
_MATMULS: Final = ("linear", "addmm", "baddbmm", "mm", "bmm", "matmul")
#: what gives parts of a tensor
_PARTS: Final = ("split", "split_with_sizes", "unbind", "slice", "select")
#: what TensorRT fuses with a product rightly
_ARITHMETIC: Final = ("add", "sub", "mul", "div")


def separate(graph_module: torch.fx.GraphModule) -> None:
    """Rewrite the graph, and those that its calls run, in place."""
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            _products(module.graph)
            _gates(module.graph)
            separate_reductions(module.graph)


def _products(graph: torch.fx.Graph) -> None:
    """``relu(conv(x) * y)``, in float32, and so any function but a few of a product that a convolution is part of.

    TensorRT has the function in the kernel of the convolution and returns numbers that have nothing to do with it.  It
    does not where a multiplication by a number is between the product and the function.
    """
    after: set[torch.fx.Node] = set()
    for node in list(graph.nodes):
        if packet(node) in _CONVOLUTIONS or not after.isdisjoint(node.all_input_nodes):
            after.add(node)
        factors = [used for used in node.all_input_nodes if used in after]
        if not (factors and packet(node) == "mul" and len(node.all_input_nodes) == 2):
            continue
        if node.meta["val"].dtype is torch.float32 and any(map(_is_function, _users(node))):
            node.replace_input_with(factors[-1], _inserted(aten.mul.Tensor, factors[-1], 0.5))
            _use_instead(node, _inserted(aten.mul.Tensor, node, 2.0))


def _gates(graph: torch.fx.Graph) -> None:
    """``gelu(x @ a + b) * (x @ c)``, in any dtype: TensorRT has all of it in one kernel, and leaves ``b`` out.

    Both may be parts of one product, as the halves of a gated feed-forward layer are.
    """
    for node in list(graph.nodes):
        if packet(node) != "mul" or len(node.all_input_nodes) != 2:
            continue
        sides = [_origin(used) for used in node.all_input_nodes]
        if all(_is_product(origin) or _is_biased(origin) for origin, _ in sides):
            for origin, has_function in sides:
                if has_function and _is_biased(origin):
                    _use_instead(origin, _inserted(aten.clamp.default, origin, None, math.inf))


def _origin(node: torch.fx.Node) -> tuple[torch.fx.Node, bool]:
    """The value that another one is a function of, or of a part of it, and whether that is more than a view."""
    has_function = False
    while len(node.all_input_nodes) == 1 and (_is_view(node) or _is_function(node)):
        has_function |= _is_function(node)
        (node,) = node.all_input_nodes
    return node, has_function


def _users(node: torch.fx.Node) -> Iterator[torch.fx.Node]:
    """Those who use a value, or a view of it."""
    for user in node.users:
        if packet(user) in VIEWS:
            yield from _users(user)
        else:
            yield user


def _is_view(node: torch.fx.Node) -> bool:
    return packet(node) in (*VIEWS, *_PARTS) or node.target is operator.getitem


def _is_function(node: torch.fx.Node) -> bool:
    """Whether a call computes each element from that of one tensor, and is no arithmetic."""
    return is_pointwise(node) and packet(node) not in (*_ARITHMETIC, *VIEWS)


def _is_product(node: torch.fx.Node) -> bool:
    return packet(node) in _MATMULS


def _is_biased(node: torch.fx.Node) -> bool:
    if packet(node) == "add":
        return any(map(_is_product, node.all_input_nodes))
    return _is_product(node) and len(node.all_input_nodes) == 3


def _inserted(overload: Any, operand: torch.fx.Node, *numbers: Any) -> torch.fx.Node:
    """A call after ``operand`` with it and numbers, which gives back a tensor like it."""
    with operand.graph.inserting_after(operand):
        call = operand.graph.call_function(overload, (operand, *numbers))
    call.meta = dict(operand.meta)
    return call


def _use_instead(node: torch.fx.Node, by: torch.fx.Node) -> None:
    """Let all users of ``node`` have ``by``, which is made of it."""
    node.replace_all_uses_with(by, delete_user_cb=lambda user: user is not by)
