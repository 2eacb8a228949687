"""Calls that PyTorch runs as kernels that inductor, the compiler of ``torch.compile``, makes of them."""

from __future__ import annotations

import importlib.util
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..program.call import Call, ModuleOperand, Ref
from ..program.evaluate import VIEWS, Step, results_of
from ..program.program import Program, draws
from ..program.values import is_of_sizes
from .parts import TorchPart, Values

#: returns of operators of which the position in what the operator returns is known
_TENSOR: Final = "Tensor"
_TENSORS: Final = "List[Tensor]"


def why_not_compiled(device: torch.device) -> str | None:
    """Why inductor makes no kernels for a device here; None where it does."""
    if device.type != "cuda":
        return f"it makes kernels for GPUs, not for {device}"
    return None if importlib.util.find_spec("triton") else "it needs the package triton, which is not installed"


def may_be_compiled(calls: Iterable[Call]) -> bool:
    """Whether calls are operators that only compute, which inductor takes as they are."""
    return all(_may_be_compiled(call) for call in calls)


def _may_be_compiled(call: Call) -> bool:
    overload = call.target.overload
    if call.target.level != "operator" or draws(call):
        return False
    if any(isinstance(leaf, (Program, ModuleOperand)) for leaf in pytree.tree_leaves(call.operands)):
        return False
    if overload is None or is_of_sizes(call.target):
        return is_of_sizes(call.target)
    returns = [str(result.type) for result in overload._schema.returns]
    return not overload._schema.is_mutable and (returns == [_TENSORS] or all(one == _TENSOR for one in returns))


class CompiledRun:
    """The calls of one part on one device, compiled at the first run, and again for other sizes.

    Args:
        part: the calls, all of which :func:`may_be_compiled`.
        steps: the same, ready to run.
    """

    def __init__(self, part: TorchPart, steps: Sequence[Step]) -> None:
        own = {call.name for call in part.calls}
        refs = (ref for step in steps for ref in step.refs if ref.kind != "call" or ref.name not in own)
        self._taken, self._given = list(dict.fromkeys(refs)), list(part.outputs)
        self._run: Any = torch.compile(as_graph(steps, self._taken, self._given), fullgraph=True)

    def __call__(self, values: Values) -> None:
        """Add the results that are needed elsewhere."""
        made = self._run(*(values[ref] for ref in self._taken))
        values.update(zip(self._given, made, strict=True))


def as_graph(steps: Iterable[Step], taken: Iterable[Ref], given: Iterable[Ref]) -> torch.fx.GraphModule:
    """Calls as a graph of PyTorch's.

    Args:
        steps: the calls, in order.
        taken: the values from outside, its arguments.
        given: what it returns, as a tuple.
    """
    root, graph = torch.nn.Module(), torch.fx.Graph()
    nodes: dict[Ref, Any] = {ref: graph.placeholder(f"taken_{number}") for number, ref in enumerate(taken)}
    attributes: dict[int, Any] = {}

    def node_of(operand: Any) -> Any:
        if isinstance(operand, Ref):
            return nodes[operand]
        if not isinstance(operand, torch.Tensor):
            return operand
        if id(operand) not in attributes:
            name = f"constant_{len(attributes)}"
            root.register_buffer(name, operand)
            attributes[id(operand)] = graph.get_attr(name)
        return attributes[id(operand)]

    for step in steps:
        args, kwargs = pytree.tree_map(node_of, step.operands)
        target = step.call.target.obj
        made = graph.call_function(torch.reshape if target in VIEWS else target, args, kwargs)
        nodes |= results_of(step.call, _leaves(graph, step.call, made))
    graph.output(tuple(nodes[ref] for ref in given))
    return torch.fx.GraphModule(root, graph)


def _leaves(graph: torch.fx.Graph, call: Call, made: torch.fx.Node) -> Sequence[torch.fx.Node]:
    overload = call.target.overload
    returns: Sequence[Any] = () if overload is None else overload._schema.returns
    if len(returns) > 1 or [str(one.type) for one in returns] == [_TENSORS]:
        return [graph.call_function(operator.getitem, (made, index)) for index in range(len(call.results))]
    return [made]
