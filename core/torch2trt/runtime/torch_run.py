"""Calls that PyTorch runs, as one Python function; inductor, ``torch.compile``'s compiler, may make kernels of it."""

from __future__ import annotations

import importlib.util
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..program.call import Call, ModuleOperand, Ref
from ..program.evaluate import VIEWS, Step, results_of
from ..program.program import Program, draws
from ..program.values import is_of_sizes
from .parts import Hybrid, Slots, TorchPart

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
    return all(_is_plain(call) and not draws(call) for call in calls)


def _is_plain(call: Call) -> bool:
    """Whether a call is its target with its operands, and its results are tensors at known places of what returns."""
    overload = call.target.overload
    if any(isinstance(leaf, (Program, ModuleOperand)) for leaf in pytree.tree_leaves(call.operands)):
        return False
    if overload is None or is_of_sizes(call.target):
        return is_of_sizes(call.target)
    returns = _returns(call)
    return not overload._schema.is_mutable and (returns == [_TENSORS] or all(one == _TENSOR for one in returns))


def _returns(call: Call) -> list[str]:
    """The types that an operator's schema returns; none of arithmetic on sizes."""
    overload = call.target.overload
    return [] if overload is None else [str(result.type) for result in overload._schema.returns]


class TorchRun:
    """The calls of one part on one device.

    Args:
        part: the calls.
        hybrid: what it is a part of.
        device: where it runs.
        constants: those of the whole, there.
        slots: where it finds and leaves values.
        writes: the outputs that it writes into inputs, as their new values.
    """

    def __init__(
        self,
        part: TorchPart,
        hybrid: Hybrid,
        device: torch.device,
        constants: Mapping[Ref, Any],
        slots: Slots,
        writes: Mapping[Ref, Ref],
    ) -> None:
        steps = [Step(call, device, hybrid.device, constants) for call in part.calls]
        needed = {ref for step in steps for ref in step.refs}  # which constants are not
        taken = list(dict.fromkeys([*(ref for ref in part.taken if ref in needed), *writes.values()]))
        given = [ref for ref in part.outputs if ref not in writes]
        graph, self._constants = as_graph(steps, taken, given, writes)
        self._taken, self._given = ([slots[ref] for ref in refs] for refs in (taken, given))
        self._written = [(slots[output], slots[written]) for output, written in writes.items()]
        #: whether inductor compiles it: at the first call, and again for other sizes
        self.compiled = part.compiled and why_not_compiled(device) is None
        self._run: Any = torch.compile(graph, fullgraph=True) if self.compiled else graph.forward

    def __call__(self, values: list[Any]) -> None:
        """Add the results that are needed elsewhere."""
        results = self._run(*[values[slot] for slot in self._taken], *self._constants)
        for slot, made in zip(self._given, results, strict=True):
            values[slot] = made
        for slot, written in self._written:
            values[slot] = values[written]


def written_inside(hybrid: Hybrid, writes: Mapping[str, str]) -> Mapping[Ref, Ref]:
    """The outputs that what PyTorch runs can write into inputs when it has read these, and which.

    That is where it is all that runs, and nothing else that it returns is in the memory of their old or new values.

    Args:
        hybrid: the parts.
        writes: the inputs with the outputs that are their new values, by name.
    """
    part = hybrid.parts[0] if len(hybrid.parts) == 1 else None
    if not writes or not isinstance(part, TorchPart):
        return {}
    made = {hybrid.outputs[output]: Ref("input", name) for name, output in writes.items()}
    rest = {_shown(output, part) for name, output in hybrid.outputs.items() if name not in writes.values()}
    return made if {*made} <= {*part.outputs} and not rest & {*made, *made.values()} else {}


def _shown(output: Any, part: TorchPart) -> Any:
    """The value whose memory an output may be in: what is viewed, through all views."""
    calls = {call.name: call for call in part.calls}
    while isinstance(output, Ref) and output.name in calls and _may_view(calls[output.name]):
        output = next(calls[output.name].refs, None)
    return output


def _may_view(call: Call) -> bool:
    overload = call.target.overload
    if overload is None or call.target.obj in VIEWS:
        return True
    return any(result.alias_info is not None for result in overload._schema.returns)


def as_graph(
    steps: Iterable[Step], taken: Iterable[Ref], given: Iterable[Ref], writes: Mapping[Ref, Ref] | None = None
) -> tuple[torch.fx.GraphModule, list[torch.Tensor]]:
    """Calls as a graph of PyTorch's, which forgets each value after its last use, and its last arguments.

    These are the constants.  The graph, which only Python's garbage collector frees, does not hold them.

    Args:
        steps: the calls, in order.
        taken: the values from outside, its first arguments.
        given: what it returns, as a tuple.
        writes: values that are written into arguments at the end, and which.
    """
    steps, graph = list(steps), torch.fx.Graph()
    nodes: dict[Ref, Any] = {ref: graph.placeholder(f"taken_{number}") for number, ref in enumerate(taken)}
    leaves = (leaf for step in steps if _is_plain(step.call) for leaf in pytree.tree_leaves(step.operands))
    constants = {id(leaf): leaf for leaf in leaves if isinstance(leaf, torch.Tensor)}
    held = {key: graph.placeholder(f"constant_{number}") for number, key in enumerate(constants)}

    def node_of(operand: Any) -> Any:
        if isinstance(operand, Ref):
            return nodes[operand]
        return held[id(operand)] if isinstance(operand, torch.Tensor) else operand

    for step in steps:
        nodes |= results_of(step.call, _results(graph, step, node_of))
    for made, into in (writes or {}).items():
        graph.call_function(torch.ops.aten.copy_.default, (nodes[into], nodes[made]))
    graph.output(tuple(nodes[ref] for ref in given))
    return torch.fx.GraphModule(torch.nn.Module(), graph), [*constants.values()]


def _results(graph: torch.fx.Graph, step: Step, node_of: Any) -> Sequence[torch.fx.Node]:
    """The nodes of a call's results."""
    call, target = step.call, step.call.target
    if _is_plain(call):
        made = graph.call_function(
            torch.reshape if target.obj in VIEWS else target.obj, *pytree.tree_map(node_of, step.operands)
        )
        returns = _returns(call)
        if len(returns) <= 1 and returns != [_TENSORS]:
            return [made]
    else:
        made = graph.call_function(_Whole(step), tuple(map(node_of, step.refs)))
    return [graph.call_function(operator.getitem, (made, index)) for index in range(len(call.results))]


class _Whole:
    """A call of anything, as a function of what it takes."""

    def __init__(self, step: Step) -> None:
        self._step, self._refs = step, step.refs
        self.__name__ = self.__qualname__ = f"call_{step.call.name}"  # as the code of the graph names it

    def __call__(self, *values: Any) -> list[Any]:
        return self._step(dict(zip(self._refs, values, strict=True)).__getitem__)
