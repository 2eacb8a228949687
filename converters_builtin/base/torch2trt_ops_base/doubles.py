"""float64 in the middle of a model: a network computes it in float32.

TensorRT has no float64.  So the captured graph is rewritten, before it is planned: what only constants go into stays as
it is, is computed by PyTorch in float64 and rounded once where a call uses it; all other tensors become float32.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from .nodes import CASTS, inserted_cast, is_of_others, packet, parts, retyped

_WIDE: Final = torch.float64
_LARGEST: Final = torch.finfo(torch.float32).max
#: what float64 holds and float32 too, which makes a cast from one of them exact
_EXACT: Final = (torch.bool, torch.uint8, torch.int8, torch.int16)


def narrow(graph_module: torch.fx.GraphModule) -> None:
    """Rewrite the graph, and those that its calls run, so that runtime tensors have float32 for float64.

    Args:
        graph_module: the graph, changed in place; none of its inputs and outputs is float64.
    """
    for node in graph_module.graph.find_nodes(op="get_attr"):
        if isinstance(body := getattr(graph_module, str(node.target), None), torch.fx.GraphModule):
            narrow(body)
    graph = graph_module.graph
    if any(_has_wide(node.meta.get("val")) for node in graph.nodes):
        _Narrowing(graph).run()


def _has_wide(value: Any) -> bool:
    """Whether a leaf of a value is a float64 tensor, or the dtype itself."""
    return any(getattr(leaf, "dtype", leaf) is _WIDE for leaf in pytree.tree_leaves(value))


class _Narrowing:
    """One pass over a graph."""

    def __init__(self, graph: torch.fx.Graph) -> None:
        self._graph = graph
        self._first = next(node for node in graph.nodes if node.op != "placeholder")
        #: what PyTorch computes once
        self._constants = {node for node in graph.find_nodes(op="placeholder") if node.meta.get("constant")}
        #: the float32 nodes that are float64 in the model
        self._narrowed: set[torch.fx.Node] = set()
        #: of a float64 constant the float32 one
        self._rounded: dict[torch.fx.Node, torch.fx.Node] = {}

    def run(self) -> None:
        for node in list(self._graph.nodes):
            if self._is_constant(node):
                self._constants.add(node)
            elif node.op == "call_function":
                self._call(node)
            elif node.op == "placeholder":  # of a body: the call that runs it gives float32
                self._retag(node)
            else:
                self._round_constants(node)

    def _is_constant(self, node: torch.fx.Node) -> bool:
        """Whether a plan leaves a call to PyTorch."""
        if node in self._constants:
            return True
        if node.target is not operator.getitem:
            if not isinstance(node.target, torch._ops.OpOverload) or node.target.namespace == "torch2trt":
                return False
            if torch.Tag.nondeterministic_seeded in node.target.tags:
                return False
        return all(used in self._constants for used in node.all_input_nodes) and all(
            isinstance(value, torch.Tensor) and all(isinstance(size, int) for size in value.shape)
            for value in pytree.tree_leaves(node.meta.get("val"))
        )

    def _call(self, node: torch.fx.Node) -> None:
        wide = self._is_wide(node)
        if not wide and not _has_wide([used.meta.get("val") for used in node.all_input_nodes]):
            return
        if node.target is torch.ops.aten.view.dtype:
            self._restore_operand(node)
            return
        if is_of_others(node) and not wide:  # only a constant is float64, which its converter may want as it is
            return
        if wide and not self._is_exact_cast(node):
            node.meta["narrowed"] = "float64"
        self._round_constants(node)
        node.args, node.kwargs = pytree.tree_map(_narrow, (node.args, node.kwargs))
        self._retag(node)

    def _is_wide(self, node: torch.fx.Node) -> bool:
        """Whether PyTorch computes a call in float64: not where a single float64 constant meets other tensors."""
        result = node.meta.get("val")
        if _has_wide((result, node.args, node.kwargs)) or any(used in self._narrowed for used in node.all_input_nodes):
            return True
        constants = _has_wide([used.meta.get("val") for used in node.all_input_nodes])
        return constants and not getattr(result, "dtype", torch.bool).is_floating_point

    def _restore_operand(self, node: torch.fx.Node) -> None:
        """Let a call that means the bits of float64 have it, which is unsupported."""
        for used in node.all_input_nodes:
            if used in self._narrowed:
                node.replace_input_with(used, inserted_cast(used, _WIDE, node))

    def _is_exact_cast(self, node: torch.fx.Node) -> bool:
        """Whether a call is a cast that gives what it would in float64."""
        if packet(node) not in CASTS:
            return False
        source, result = node.all_input_nodes[0].meta["val"].dtype, node.meta["val"].dtype
        return source in _EXACT or (source.is_floating_point and result.is_floating_point)

    def _round_constants(self, node: torch.fx.Node) -> None:
        """Let a call have its float64 constants in float32."""
        for used in node.all_input_nodes:
            if used in self._constants and _has_wide(used.meta.get("val")):
                if used not in self._rounded:
                    before = self._first if used.op == "placeholder" else used.next
                    self._rounded[used] = inserted_cast(used, torch.float32, before)
                    self._constants.add(self._rounded[used])
                node.replace_input_with(used, self._rounded[used])

    def _retag(self, node: torch.fx.Node) -> None:
        for part in (node, *parts(node)):
            value = part.meta.get("val")
            if isinstance(value, torch.Tensor) and value.dtype is _WIDE:
                self._narrowed.add(part)
            part.meta["val"] = pytree.tree_map_only(torch.Tensor, _narrow_tensor, value)


def _narrow(value: Any) -> Any:
    """An argument of a float64 call for the float32 one."""
    if value is _WIDE:
        return torch.float32
    # PyTorch refuses finite numbers that a dtype does not hold
    return math.copysign(math.inf, value) if type(value) is float and _LARGEST < abs(value) < math.inf else value


def _narrow_tensor(value: torch.Tensor) -> torch.Tensor:
    return retyped(value, torch.float32) if value.dtype is _WIDE else value
