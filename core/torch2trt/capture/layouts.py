"""Writes that a model sees elsewhere, or not, by how its tensors lie in memory.

``contiguous``, ``reshape`` and ``flatten`` return their operand where its layout allows it, and else a copy, so what is
written into the result stands in the operand too, or not.  The trace took one of the two ways.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sympy
import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from ..errors import CaptureError
from .in_place import Memory, written_operands
from .parts import behind
from .sources import source_of

_BY_LAYOUT: Final = ("contiguous", "reshape", "reshape_as", "flatten", "ravel")


@dataclass(frozen=True, slots=True)
class Layouts:
    """What has to be of the layouts of tensors for the program to write what the model writes."""

    #: sizes and strides that must differ, as ``(one, other, file:line)``
    differing: tuple[tuple[Any, Any, str], ...]
    #: the inputs that have to be contiguous, as they were in the example
    contiguous: frozenset[str]


def layouts_of(exported: ExportedProgram) -> Layouts:
    """What the writes of a program rely on; it is as it was traced, with its calls in place.

    Raises:
        CaptureError: an input is not contiguous in the example where that decides.
    """
    given = {s.arg.name for s in exported.graph_signature.input_specs if s.kind is InputKind.USER_INPUT}
    deciding = _deciding(exported.graph)
    differing = dict.fromkeys((*pair, source_of(node)) for node in deciding for pair in _doubtful(node))
    inputs = [node for node in behind(deciding) if node.op == "placeholder" and node.name in given]
    for node in inputs:
        if isinstance(value := node.meta.get("val"), torch.Tensor) and not _is_contiguous(value):
            where = source_of(deciding[0])
            raise CaptureError(
                f"what the model writes in place stands in memory of input {node.name!r} or not, by its layout"
                f"{f' (at {where})' if where else ''}; give a contiguous example, with .contiguous()"
            )
    return Layouts(tuple(differing), frozenset(node.name for node in inputs))


def contiguous(tensor: Any, memory_format: torch.memory_format = torch.contiguous_format) -> Any:
    """``Tensor.contiguous`` as a call, of which PyTorch leaves no trace where it returns the tensor itself."""
    try:
        if not isinstance(tensor, torch.Tensor) or not tensor.is_contiguous(memory_format=memory_format):
            return NotImplemented
    except GuardOnDataDependentSymNode:  # of sizes that PyTorch 2.11 does not know after a slice
        return NotImplemented
    return torch.ops.aten.contiguous.default(torch.ops.aten.alias.default(tensor), memory_format=memory_format)


def _deciding(graph: torch.fx.Graph) -> list[torch.fx.Node]:
    """The calls by whose way something differs."""
    calls = [node for node in graph.nodes if _is_by_layout(node)]
    writes = [(node, operand) for node in graph.nodes for operand in written_operands(node)] if calls else []
    memory = Memory(graph, calls) if writes else None
    return [node for node in calls if memory and any(_differs(memory, node, *write) for write in writes)]


def _is_by_layout(node: torch.fx.Node) -> bool:
    if not isinstance(node.target, torch._ops.OpOverload) or node.target.namespace != "aten":
        return False
    formatted = node.target._opname == "to" and node.kwargs.get("memory_format") not in (None, torch.preserve_format)
    return node.target._opname in _BY_LAYOUT or formatted


def _differs(memory: Memory, call: torch.fx.Node, write: torch.fx.Node, written: torch.fx.Node) -> bool:
    """Whether it matters to a write if a call's result is its operand."""
    sharing = memory.sharing(call)
    if written not in sharing or not memory.is_before(call, write):
        return False
    after = {call}
    for node in sharing:
        if not after.isdisjoint(node.all_input_nodes):
            after.add(node)
    others = [node for node in sharing if (node in after) is not (written in after)]
    return any(
        (node.op == "placeholder" and written in after) or any(memory.is_before(write, user) for user in node.users)
        for node in others
    )


def _doubtful(node: torch.fx.Node) -> Iterator[tuple[Any, Any]]:
    """The sizes and strides of a call's operand that differ in the trace, and may be equal."""
    operand = node.all_input_nodes[0].meta["val"]
    dims = list(zip(map(_expression, operand.shape), map(_expression, operand.stride()), strict=True))
    pairs = [(length, sympy.Integer(1)) for dim in dims for length in dim]
    pairs += [(stride, size * dense) for (_, stride), (size, dense) in itertools.permutations(dims, 2)]
    return (pair for pair in pairs if _may_be_equal(*pair))


def _may_be_equal(one: Any, other: Any) -> bool:
    """Whether two lengths, which are no less than 1, are equal at some sizes and not at all; yes where in doubt."""
    if not (one - other).expand().free_symbols or other == 0 or one == 0:
        return False
    numerator, denominator = sympy.fraction(sympy.cancel(one / other))
    # one is a multiple of the other, as 12 * n of 4
    return not any(
        rest == 1 and side.as_coeff_Mul()[0] > 1 for side, rest in ((numerator, denominator), (denominator, numerator))
    )


def _expression(size: int | torch.SymInt) -> Any:
    return sympy.Integer(size) if isinstance(size, int) else size.node.expr


def _is_contiguous(tensor: torch.Tensor) -> bool:
    """Whether it is at all sizes; a tensor whose sizes vary is traced as if none of them were 1."""
    dense: Any = sympy.Integer(1)
    for size, stride in reversed(
        list(zip(map(_expression, tensor.shape), map(_expression, tensor.stride()), strict=True))
    ):
        if size != 1 and (stride - dense).expand() != 0:
            return False
        dense *= size
    return True
