"""Complex tensors that go in and come out, which a network takes and returns as pairs of real numbers."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

_AS_REAL: Final = torch.ops.aten.view_as_real.default
_AS_COMPLEX: Final = torch.ops.aten.view_as_complex.default
#: whose parts TensorRT has
_DTYPES: Final = (torch.complex64, torch.complex32)


class ComplexEdge(NamedTuple):
    """What is complex outside of a program and real, with a last dimension of 2, inside."""

    #: the names of inputs
    inputs: frozenset[str]
    #: the places of outputs
    outputs: frozenset[int]


def cross(exported: ExportedProgram) -> ComplexEdge:
    """Let the program take and return pairs where it only looks at, and makes, complex tensors as such, in place."""
    graph = exported.graph
    given = {spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT}
    inputs = {node.name for node in graph.find_nodes(op="placeholder") if node.name in given and _crosses(node)}
    for node in graph.find_nodes(op="placeholder"):
        if node.name in inputs:
            node.meta["val"] = torch.view_as_real(node.meta["val"])
            for user in list(node.users):
                user.replace_all_uses_with(node)
                graph.erase_node(user)
    output = graph.output_node()
    returned: list[Any] = list(output.args[0])
    outputs = [place for place, value in enumerate(returned) if getattr(value, "target", None) is _AS_COMPLEX]
    made = [returned[place] for place in outputs]
    for place, value in zip(outputs, made, strict=True):
        returned[place] = value.args[0]
    output.args = (tuple(returned),)
    for value in set(made):
        if not value.users:
            graph.erase_node(value)
    return ComplexEdge(frozenset(inputs), frozenset(outputs))


def _crosses(node: torch.fx.Node) -> bool:
    example = node.meta.get("val")
    return getattr(example, "dtype", None) in _DTYPES and all(user.target is _AS_REAL for user in node.users)
