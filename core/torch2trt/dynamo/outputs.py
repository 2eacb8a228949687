"""Outputs that share memory with an input or with each other: PyTorch makes these views, of what the engine returns.

Whoever writes into one of them afterwards, such as the next graph, writes into the others, as in PyTorch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from .memory import memory, memory_of_inputs, outputs_of, returned_inputs, value_of, written


@dataclass(frozen=True)
class Parts:
    """A graph in two."""

    #: the same, with other outputs
    computing: GraphModule
    #: takes the graph's inputs and the outputs of ``computing``, and returns what the graph does; None where
    #: ``computing`` does
    viewing: GraphModule | None


def split(graph_module: GraphModule) -> Parts | None:
    """A graph without the views that it returns, and these; None where it makes nothing but views of its inputs."""
    graph, outputs = graph_module.graph, outputs_of(graph_module.graph)
    inputs, given = memory_of_inputs(graph), returned_inputs(graph)
    owners: dict[int | None, Node] = {}
    for node in graph.nodes:
        owners.setdefault(memory(node), node)
    different = [node for node in dict.fromkeys(outputs) if isinstance(node, Node)]
    shared = {own for own, count in Counter(map(memory, different)).items() if own is not None and count > 1}
    views = [node for node in different if memory(node) in inputs | shared]
    if not views:
        return Parts(graph_module, None)
    #: what the engine returns
    computed = dict.fromkeys(node for node in different if node not in views)
    computed |= dict.fromkeys(owners[memory(node)] for node in views if memory(node) not in inputs)
    known = inputs | {*map(memory, computed)}
    computed |= dict.fromkeys(_needed(views, known, given, {*computed}))
    if not computed and not any(memory(tensor) in inputs for tensor in written(graph)):
        return None
    return Parts(_returning(graph_module, [*computed]), _viewing(graph_module, [*computed], shared, given))


def _needed(
    views: Sequence[Node], known: set[int | None], given: Mapping[Node, Node], seen: set[Node]
) -> Iterator[Node]:
    """The tensors that views are made with, such as one that says where they begin."""
    for node in views:
        if node in seen or node.op == "placeholder":
            continue
        seen.add(node)
        if (own := memory(node)) is not None and own not in known:
            yield node
        else:
            yield from _needed([given[node]] if node in given else node.all_input_nodes, known, given, seen)


def _returning(graph_module: GraphModule, outputs: Sequence[Node]) -> GraphModule:
    graph = Graph()
    copies: dict[Node, Node] = {}
    graph.graph_copy(graph_module.graph, copies)
    graph.output(tuple(copies[node] for node in outputs))
    return GraphModule(graph_module, graph)


def _viewing(
    graph_module: GraphModule, computed: Sequence[Node], shared: set[int], given: Mapping[Node, Node]
) -> GraphModule:
    graph = Graph()
    inputs = [node for node in graph_module.graph.nodes if node.op == "placeholder"]
    copies = {node: graph.placeholder(node.name) for node in [*inputs, *computed]}
    for node in computed:
        if memory(node) in shared and (order := _order(value_of(node))):
            copies[node] = graph.call_function(_laid_out, (copies[node], order))

    def copy(node: Node) -> Node:
        if node not in copies:
            copies[node] = copy(given[node]) if node in given else graph.node_copy(node, copy)
        return copies[node]

    graph.output(tuple(copy(one) if isinstance(one, Node) else one for one in outputs_of(graph_module.graph)))
    return GraphModule(graph_module, graph)


def _order(tensor: torch.Tensor) -> tuple[int, ...] | None:
    """The dimensions from the largest stride to the smallest; None where they are in order, as an engine's are."""
    strides: list[Any] = [getattr(getattr(stride, "node", None), "hint", stride) for stride in tensor.stride()]
    order = tuple(sorted(range(tensor.dim()), key=lambda dim: -strides[dim]))
    return None if order == tuple(range(tensor.dim())) else order


def _laid_out(tensor: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
    """A tensor in memory as PyTorch's own is."""
    back = sorted(range(len(order)), key=order.__getitem__)
    return tensor.permute(*order).contiguous().permute(*back)
