"""The calling convention of an exported program, as the signature of a converted module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument, TensorArgument

from ..dtypes import short_name
from ..errors import CaptureError
from ..program.guards import Guard, Size
from ..program.leaves import Leaf, TensorSpec
from ..program.signature import Signature
from .complex_edge import ComplexEdge
from .dims import Asked
from .given import call_names, signature_of_model
from .guards import guards_of
from .inputs import Example
from .ranges import settle
from .trial import computes_the_same
from .wrappers import original_path


def signature_of(
    model: Any, module: torch.nn.Module | None, exported: ExportedProgram, example: Example, edge: ComplexEdge
) -> tuple[Signature, list[str]]:
    """The signature of a model and its exported program, and the names of the nodes that are its outputs.

    Args:
        model: what users call.
        module: what was exported; None where that is not at hand.
        exported: the program, decomposed.
        example: the example inputs.
        edge: what is complex outside.
    """
    nodes = {node.name: node for node in exported.graph.nodes}
    specs, input_leaves, guards = _inputs(exported, example, module, nodes, edge)
    output_leaves, outputs = _outputs(exported, edge)
    assert exported.call_spec.in_spec is not None
    assert exported.call_spec.out_spec is not None
    parameters, omitted = _names(model, exported, example)
    prefix = "output"
    while any(spec.name.startswith(f"{prefix}_") for spec in specs):
        prefix += "_"
    # what is returned twice is one output
    names = {node: f"{prefix}_{index}" for index, node in enumerate(dict.fromkeys(outputs))}
    signature = Signature(
        inputs=tuple(specs),
        input_leaves=tuple(input_leaves),
        in_spec=exported.call_spec.in_spec,
        parameters=tuple(parameters),
        outputs=tuple(names[node] for node in outputs),
        output_leaves=output_leaves,
        out_spec=exported.call_spec.out_spec,
        omitted=tuple(omitted),
        guards=guards,
    )
    _check_apart(signature, example)
    return signature, outputs


def _names(model: Any, exported: ExportedProgram, example: Example) -> tuple[Sequence[str], Sequence[tuple[str, Any]]]:
    """What may be given by position, and what was left out, with its default."""
    if not isinstance(model, ExportedProgram) and (signature := signature_of_model(model)):
        return call_names(signature, example.args, example.kwargs)
    entry = exported.module_call_graph[0].signature
    return (entry.forward_arg_names if entry else None) or [f"input_{i}" for i in range(len(example.args))], ()


def _check_apart(signature: Signature, example: Example) -> None:
    """That the model changes no input that was given twice, or is its own: two copies were traced."""
    repeated = {signature.input_leaves[index].name for index in example.repeated if index >= 0}
    for leaf in signature.output_leaves:
        if leaf.kind == "mutated" and leaf.name in repeated:
            raise CaptureError(
                f"the model changes input {leaf.name!r} in place, which has memory in common with another input or a "
                "parameter; give tensors that are apart, such as copies made with .clone()"
            )


def _inputs(
    exported: ExportedProgram,
    example: Example,
    module: torch.nn.Module | None,
    nodes: dict[str, torch.fx.Node],
    edge: ComplexEdge,
) -> tuple[list[TensorSpec], list[Leaf], tuple[Guard, ...]]:
    tensors: dict[str, torch.Tensor] = {}
    asked: dict[str, Mapping[int, Asked]] = {}
    leaves: list[Leaf] = []
    arguments = [s.arg for s in exported.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
    for argument, dims in zip(arguments, example.asked, strict=True):
        if isinstance(argument, ConstantArgument):
            leaves.append(Leaf("constant", argument.name, argument.value))
            continue
        if not isinstance(argument, TensorArgument):
            raise CaptureError(
                f"input {argument.name!r} is a Python number that varies; pass a tensor, or fix the number"
            )
        tensors[argument.name], asked[argument.name] = nodes[argument.name].meta["val"], dims
        leaves.append(Leaf("complex" if argument.name in edge.inputs else "tensor", argument.name))
    guards = guards_of(exported, [argument.name for argument in arguments])

    def tried(sizes: Mapping[Size, int]) -> bool:
        return module is not None and computes_the_same(exported, module, example, sizes)

    ranges, remaining = settle(exported, tensors, asked, guards, tried)
    specs = [TensorSpec(name, short_name(tensor.dtype), ranges[name]) for name, tensor in tensors.items()]
    return specs, leaves, remaining


def _outputs(exported: ExportedProgram, edge: ComplexEdge) -> tuple[tuple[Leaf, ...], list[str]]:
    returned: list[tuple[Leaf, str | None]] = []
    changed: list[tuple[Leaf, str | None]] = []
    # by position: a hook may have replaced a node that the program returns, whose name the specification still has
    values = exported.graph.output_node().args[0]
    for place, (spec, value) in enumerate(zip(exported.graph_signature.output_specs, values, strict=True)):
        if spec.kind is OutputKind.BUFFER_MUTATION:
            raise CaptureError(
                f"the model changes its buffer {original_path(str(spec.target))!r} when it is called, which an engine "
                "cannot keep; call model.eval(), or return the new value and pass it in again"
            )
        node = value.name if isinstance(value, torch.fx.Node) else None
        if spec.kind is OutputKind.USER_INPUT_MUTATION and place in edge.outputs:
            raise CaptureError(f"the model changes its complex input {spec.target!r} in place; return the new value")
        if spec.kind is OutputKind.USER_INPUT_MUTATION:
            changed.append((Leaf("mutated", str(spec.target)), node))
        elif isinstance(spec.arg, ConstantArgument):
            returned.append((Leaf("constant", value=spec.arg.value), None))
        elif isinstance(spec.arg, SymIntArgument):
            returned.append((Leaf("size"), node))
        else:
            returned.append((Leaf("complex" if place in edge.outputs else "tensor"), node))
    both = returned + changed
    outputs = [node for _, node in both if node is not None]
    if not outputs:
        raise CaptureError("the model returns no tensor, which leaves an engine nothing to compute")
    return tuple(leaf for leaf, _ in both), outputs
