"""Which values of a graph of Dynamo have memory in common, as its FakeTensors say, and what only PyTorch does."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch

from ..program.memory import memory_of


def value_of(node: Any) -> Any:
    """What Dynamo traced a node with."""
    return node.meta.get("example_value") if isinstance(node, torch.fx.Node) else node


def outputs_of(graph: torch.fx.Graph) -> tuple[Any, ...]:
    """What a graph returns."""
    (returned,) = graph.output_node().args
    assert isinstance(returned, (tuple, list))
    return tuple(returned)


def memory(node: Any) -> int | None:
    """What stands for the memory of a node's tensor; None for what is no dense tensor."""
    value = value_of(node)
    dense = isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_nested
    return memory_of(value) if dense else None


def memory_of_inputs(graph: torch.fx.Graph) -> set[int]:
    """The memory of all inputs."""
    found = (memory(node) for node in graph.nodes if node.op == "placeholder")
    return {one for one in found if one is not None}


def returned_inputs(graph: torch.fx.Graph) -> dict[torch.fx.Node, torch.fx.Node]:
    """The calls that return a tensor that they are given: what writes in place, and what had nothing to do."""
    return {
        node: given
        for node in graph.nodes
        for given in node.all_input_nodes
        if isinstance(value_of(node), torch.Tensor) and value_of(node) is value_of(given)
    }


def written(graph: torch.fx.Graph) -> list[torch.fx.Node]:
    """The tensors that calls write into, as far as their names say so."""
    in_place = [given for node, given in returned_inputs(graph).items() if _writes(node)]
    return in_place + [node.args[0] for node in graph.nodes if node.target is operator.setitem]


def _writes(node: torch.fx.Node) -> bool:
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    arithmetic = getattr(node.target, "__module__", "") == "_operator" and name.startswith("i")  # iadd, imul, ...
    return arithmetic or (name.endswith("_") and not name.endswith("__")) or "out" in node.kwargs


def why_in_torch(graph_module: torch.fx.GraphModule, examples: Sequence[Any]) -> str | None:
    """Why only PyTorch can run a graph, as the end of a sentence; None where engines may."""
    graph = graph_module.graph
    for example in examples:
        if not isinstance(example, (int, torch.SymInt)) and type(example) not in (torch.Tensor, torch.nn.Parameter):
            return f"takes a {type(example).__qualname__}"
    inputs = memory_of_inputs(graph)
    # views of inputs are PyTorch's in any case
    computed = [node for node in outputs_of(graph) if memory(node) not in inputs]
    both = map(value_of, computed + written(graph))
    if any(isinstance(value, torch.Tensor) and value.requires_grad for value in both):
        return (
            "records gradients, and engines compute none; call it under torch.inference_mode() or torch.no_grad(), or "
            "set requires_grad_(False)"
        )
    return None
