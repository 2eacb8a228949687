"""A graph of Dynamo as a module that :func:`torch2trt.convert` takes, and the ranges that are asked for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch.amp import autocast_mode
from torch.export import Dim
from torch.fx.traceback import preserve_node_meta

from .taken import Bounds, Taken

#: how Dynamo writes the module that is compiled before the path of one in it
_ROOT: Final = re.compile(r"^[LG]\['\w+'\]\.?")


class Graph(torch.nn.Module):
    """A graph of Dynamo, whose parameters and buffers are its own and whose sizes are those of its tensors.

    Args:
        graph_module: the graph; every call keeps the line and the module that Dynamo noted.
        taken: what it takes.
        constants: the values of its constants.
        fixed: the values of its numbers, where they do not vary; else they are inputs, tensors of one element.
        ranges: of these inputs.
    """

    def __init__(
        self,
        graph_module: torch.fx.GraphModule,
        taken: Taken,
        constants: Mapping[str, torch.Tensor],
        fixed: Mapping[str, int],
        ranges: Mapping[str, tuple[int, int]],
    ) -> None:
        super().__init__()
        self.graph, self._taken, self._fixed, self._ranges = _with_paths(graph_module), taken, fixed, ranges
        for name, tensor in constants.items():
            if isinstance(tensor, torch.nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)
        names = [*taken.tensors, *taken.floats, *ranges]

        def forward(*inputs: torch.Tensor) -> Any:
            with preserve_node_meta():
                return _Run(self.graph).run(*self._values(dict(zip(names, inputs, strict=True))))

        parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
        forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # a function may have it
        self.forward = forward

    def _values(self, inputs: Mapping[str, torch.Tensor]) -> Iterator[Any]:
        taken = self._taken
        for name in taken.places:
            if name in taken.sizes:
                tensor, dim = taken.sizes[name]
                yield inputs[tensor].shape[dim]
            elif name in self._ranges:
                yield _number(inputs[name], *self._ranges[name])
            elif name in inputs:
                yield inputs[name]
            else:
                yield self._fixed[name] if name in self._fixed else getattr(self, name)


class _Run(torch.fx.Interpreter):
    """Enters the regions of autocast that a graph enters, which a call that is only traced does not."""

    def run(self, *args: Any, **kwargs: Any) -> Any:
        self._regions: list[torch.autocast] = []
        try:
            return super().run(*args, **kwargs)
        finally:
            for region in reversed(self._regions):
                region.__exit__(None, None, None)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        if target is autocast_mode._enter_autocast:
            self._regions.append(torch.autocast(*args, **kwargs))
            return self._regions[-1].__enter__()
        if target is autocast_mode._exit_autocast:
            return self._regions.pop().__exit__(None, None, None)
        return super().call_function(target, args, kwargs)


def _number(tensor: torch.Tensor, low: int, high: int) -> Any:
    number = tensor.item()
    torch._check(number >= low)
    torch._check(number <= high)
    return number


def _with_paths(graph_module: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """A copy whose modules have the paths that they have in the model."""
    graph, copies = torch.fx.Graph(), dict[torch.fx.Node, torch.fx.Node]()
    graph.output(graph.graph_copy(graph_module.graph, copies))
    for node in graph.nodes:
        stack = node.meta.get("nn_module_stack") or {}
        node.meta["nn_module_stack"] = {key: (_ROOT.sub("", path), kind) for key, (path, kind) in stack.items()}
    return torch.fx.GraphModule(graph_module, graph)


def range_around(value: int, bounds: Bounds) -> tuple[int, int]:
    """The range that a conversion is asked for, where nothing bounds a number: up to the next power of two.

    So what grows without an end, such as a sequence that is generated, takes few conversions.

    Args:
        value: the number now.
        bounds: what Dynamo knows.
    """
    beyond = 1 << abs(value).bit_length()
    low = bounds.low if bounds.low is not None else -beyond if value < 0 else 0
    return min(low, value), beyond if bounds.high is None else bounds.high


def dynamic_shapes(names: Sequence[str], sizes: Mapping[tuple[str, int], tuple[int, int]]) -> dict[str, Any]:
    """What ``torch.export`` takes for the dimensions that vary."""
    return {
        name: {dim: Dim.DYNAMIC(min=low, max=high) for (of, dim), (low, high) in sizes.items() if of == name} or None
        for name in names
    }
