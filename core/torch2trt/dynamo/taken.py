"""What a graph of Dynamo takes: a model's own tensors, tensors, their sizes, and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import torch

from .memory import memory, value_of, written

#: how Dynamo marks the parameters and buffers of modules
_OF_A_MODULE: Final = "unguarded"
#: what is larger is a limit of the machine or of a dtype, and no size that an engine is to be made for
_LARGEST: Final = 2**20


class Bounds(NamedTuple):
    """The smallest and the largest value of a size or a number; None where nothing bounds it."""

    low: int | None
    high: int | None


@dataclass(frozen=True)
class Taken:
    """The inputs of a graph by name, in their order, each of one kind."""

    #: where each stands among the arguments
    places: dict[str, int] = field(default_factory=dict)
    #: parameters and buffers, which become constants
    constants: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()
    #: Python's floats, which Dynamo passes as float64 tensors of one element and reads; as float32 they go to an engine
    floats: tuple[str, ...] = ()
    #: the dynamic dimensions of tensors
    dims: dict[tuple[str, int], Bounds] = field(default_factory=dict)
    #: numbers that are the size of a tensor, which one and where
    sizes: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: all other numbers that vary
    numbers: dict[str, Bounds] = field(default_factory=dict)

    def varying(self, names: Sequence[str]) -> Taken:
        """The same where some constants are tensors like any other: the graph writes them."""
        rest = tuple(name for name in self.constants if name not in names)
        return replace(self, constants=rest, tensors=(*self.tensors, *names))


def taken_by(graph_module: torch.fx.GraphModule, examples: Sequence[Any]) -> Taken:
    """The inputs of a graph of Dynamo."""
    nodes = graph_module.graph.find_nodes(op="placeholder")
    values = {node.name: value_of(node) for node in nodes}
    changed = {*map(memory, written(graph_module.graph))}
    constants = tuple(
        node.name
        for node, example in zip(nodes, examples, strict=True)
        if memory(node) not in changed and _is_constant(node, example)
    )
    floats = tuple(node.name for node in nodes if _is_float(node))
    tensors = {
        name: value
        for name, value in values.items()
        if isinstance(value, torch.Tensor) and name not in (*constants, *floats)
    }
    every: dict[tuple[str, int], Any] = {
        (name, dim): size for name, value in tensors.items() for dim, size in enumerate(value.shape)
    }
    dynamic = {place: size for place, size in every.items() if isinstance(size, torch.SymInt)}
    places: dict[Any, tuple[str, int]] = {}
    for place, size in dynamic.items():
        places.setdefault(size.node.expr, place)
    numbers = {name: value for name, value in values.items() if isinstance(value, torch.SymInt)}
    sizes = {name: places[number.node.expr] for name, number in numbers.items() if number.node.expr in places}
    return Taken(
        {name: place for place, name in enumerate(values)},
        constants,
        tuple(tensors),
        floats,
        {place: _bounds(size) for place, size in dynamic.items()},
        sizes,
        {name: _bounds(number) for name, number in numbers.items() if name not in sizes},
    )


def _is_constant(node: torch.fx.Node, example: Any) -> bool:
    marked = node.meta.get("tensor_dict", {}).get("_dynamo_static_input_type") == _OF_A_MODULE
    # without a counter of what is written into it, nobody could tell that its values are others
    counted = isinstance(example, torch.Tensor) and not example.is_inference()
    return counted and (marked or isinstance(example, torch.nn.Parameter))


def _is_float(node: torch.fx.Node) -> bool:
    value = value_of(node)
    scalar = isinstance(value, torch.Tensor) and value.dtype == torch.float64 and value.dim() == 0
    return scalar and value.device.type == "cpu" and all(user.target == "item" for user in node.users)


def _bounds(size: Any) -> Bounds:
    limits = size.node.shape_env.bound_sympy(size.node.expr)
    low, high = (int(limit) if limit.is_Integer else None for limit in (limits.lower, limits.upper))
    return Bounds(low, high if high is not None and high <= _LARGEST else None)
