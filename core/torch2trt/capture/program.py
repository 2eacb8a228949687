"""The captured program: a flat graph of calls, with everything that later steps ask of it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..call import Call
from ..signature import Signature


@dataclass(frozen=True)
class Program:
    """A functional graph without views or in-place operators.

    Its nodes are ``placeholder`` (constants, then runtime inputs), ``call_function`` and one ``output``; a ``getitem``
    on a call's result is not a call.
    """

    graph: torch.fx.Graph
    #: parameters, buffers and constants by their placeholder; the model's own tensors, not copies
    constants: Mapping[torch.fx.Node, torch.Tensor]
    #: the placeholders of runtime inputs, in the order of ``signature.inputs``
    inputs: tuple[torch.fx.Node, ...]
    #: the nodes that are outputs, in the order of ``signature.outputs``
    outputs: tuple[torch.fx.Node, ...]
    #: every call by its node, in order
    calls: Mapping[torch.fx.Node, Call]
    #: gives ``(args, kwargs)`` of a node's call from the values of the nodes that it uses
    arguments: Callable[[torch.fx.Node, Callable[[torch.fx.Node], Any]], tuple[tuple[Any, ...], dict[str, Any]]]
    signature: Signature


def is_getitem(node: torch.fx.Node) -> bool:
    """Whether a node picks one result of a call with several."""
    return node.op == "call_function" and node.target is operator.getitem and isinstance(node.args[0], torch.fx.Node)


def fake(node: torch.fx.Node) -> Any:
    """The FakeTensor, SymInt or tuple of them that a node stands for."""
    return node.meta["val"]


def map_nodes(args: Any, value: Callable[[torch.fx.Node], Any]) -> Any:
    """``args`` with every node replaced by its value."""
    return pytree.tree_map_only(torch.fx.Node, value, args)
