"""The calling convention of an exported program, as the signature of a converted module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument, TensorArgument

from ..dtypes import short_name
from ..errors import CaptureError
from ..program.guards import Guard, Size
from ..program.leaves import Leaf, LeafKind, OutputSpec, TensorSpec
from ..program.signature import Signature
from .complex_edge import ComplexEdge
from .dims import Asked
from .given import call_names, signature_of_model
from .guards import guards_of
from .inputs import Example
from .layouts import Layouts
from .ranges import settle
from .read import written
from .state import written_state
from .trial import computes_the_same
from .variables import Variable, in_profile, output_spec_of, spec_of
from .wrappers import original_path

#: older versions of PyTorch have none
_PARAMETER_MUTATION: Final = getattr(OutputKind, "PARAMETER_MUTATION", None)


def signature_of(
    model: Any,
    module: torch.nn.Module | None,
    exported: ExportedProgram,
    example: Example,
    returned: Sequence[torch.dtype | None],
    edge: ComplexEdge,
    layouts: Layouts,
) -> tuple[Signature, list[str]]:
    """The signature of a model and its exported program, and the names of the nodes that are its outputs.

    Args:
        model: what users call.
        module: what was exported; None where that is not at hand.
        exported, example: the program, decomposed, and the example inputs.
        returned: the dtypes that users get, of outputs that have another one.
        edge, layouts: what is complex outside, and what its writes rely on.
    """
    nodes = {node.name: node for node in exported.graph.nodes}
    specs, input_leaves, guards, variables = _inputs(exported, example, module, nodes, edge, layouts)
    state, own_specs = written_state(exported, nodes)
    output_leaves, outputs = _outputs(exported, returned, edge)
    assert exported.call_spec.in_spec is not None
    assert exported.call_spec.out_spec is not None
    parameters, omitted = _names(model, exported, example)
    signature = Signature(
        inputs=(*specs, *own_specs),
        input_leaves=tuple(input_leaves),
        in_spec=exported.call_spec.in_spec,
        parameters=tuple(parameters),
        outputs=_names_of(outputs, (*specs, *own_specs)),
        output_leaves=output_leaves,
        out_spec=exported.call_spec.out_spec,
        omitted=tuple(omitted),
        guards=guards,
        state=state,
        output_specs=_output_specs([nodes[name] for name in outputs], output_leaves, variables),
    )
    _check_apart(signature, example)
    return signature, outputs


def _output_specs(
    nodes: Sequence[torch.fx.Node], leaves: Sequence[Leaf], variables: Mapping[Any, Variable]
) -> tuple[OutputSpec, ...]:
    tensors = (leaf for leaf in leaves if leaf.kind != "constant")
    return tuple(output_spec_of(node, leaf, variables) for node, leaf in zip(nodes, tensors, strict=True))


def _names_of(outputs: Sequence[str], inputs: Sequence[TensorSpec]) -> tuple[str, ...]:
    """The engine's names of outputs; what is returned twice is one output."""
    prefix = "output"
    while any(spec.name.startswith(f"{prefix}_") for spec in inputs):
        prefix += "_"
    names = {node: f"{prefix}_{index}" for index, node in enumerate(dict.fromkeys(outputs))}
    return tuple(names[node] for node in outputs)


def _names(model: Any, exported: ExportedProgram, example: Example) -> tuple[Sequence[str], Sequence[tuple[str, Any]]]:
    """What may be given by position, and what was left out, with its default."""
    if not isinstance(model, ExportedProgram) and (signature := signature_of_model(model)):
        return call_names(signature, example.args, example.kwargs)
    entry = exported.module_call_graph[0].signature
    return (entry.forward_arg_names if entry else None) or [f"input_{i}" for i in range(len(example.args))], ()


def _check_apart(signature: Signature, example: Example) -> None:
    """That the model changes no input that was given twice, or is its own: two copies were traced."""
    repeated = {signature.input_leaves[index].name for index in example.repeated if index >= 0}
    changed = [f"input {leaf.name!r} in place" for leaf in signature.output_leaves if leaf.name in repeated]
    if -1 in example.repeated:  # which of the model's own tensors an input is part of is not known
        changed += [f"its buffer {buffer.path!r}" for buffer in signature.state if not buffer.is_seed]
    if changed:
        raise CaptureError(
            f"the model changes {changed[0]}, and an input has memory in common with another one or with the model's "
            "own tensors; give tensors that are apart, such as copies made with .clone()"
        )


def _inputs(
    exported: ExportedProgram,
    example: Example,
    module: torch.nn.Module | None,
    nodes: dict[str, torch.fx.Node],
    edge: ComplexEdge,
    layouts: Layouts,
) -> tuple[list[TensorSpec], list[Leaf], tuple[Guard, ...], Mapping[Any, Variable]]:
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

    variables, remaining = settle(exported, tensors, asked, guards, layouts.differing, tried)
    names = [argument.name for argument in arguments]
    profiles = [in_profile(variables, dict(zip(names, dims, strict=True))) for dims in example.profiles]
    specs = [spec_of(nodes[name], name in layouts.contiguous, variables, profiles) for name in tensors]
    return specs, leaves, remaining, variables


def _outputs(
    exported: ExportedProgram, dtypes: Sequence[torch.dtype | None], edge: ComplexEdge
) -> tuple[tuple[Leaf, ...], list[str]]:
    returned: list[tuple[Leaf, str | None]] = []
    changed: list[tuple[Leaf, str | None]] = []
    # by position: a hook may have replaced a node that the program returns, whose name the specification still has
    values = exported.graph.output_node().args[0]
    inputs = {spec.target: spec.arg.name for spec in written(exported)}
    rows = zip(exported.graph_signature.output_specs, values, dtypes, strict=True)
    for place, (spec, value, dtype) in enumerate(rows):
        if spec.kind is _PARAMETER_MUTATION:
            raise CaptureError(
                f"the model changes its parameter {original_path(str(spec.target))!r} when it is called, which an "
                "engine has as a constant; call model.eval(), or make it a buffer with register_buffer"
            )
        node = value.name if isinstance(value, torch.fx.Node) else None
        if spec.kind is OutputKind.USER_INPUT_MUTATION and place in edge.outputs:
            raise CaptureError(f"the model changes its complex input {spec.target!r} in place; return the new value")
        if spec.kind is OutputKind.BUFFER_MUTATION:
            changed.append((Leaf("state", inputs[spec.target]), node))
        elif spec.kind is OutputKind.USER_INPUT_MUTATION:
            changed.append((Leaf("mutated", str(spec.target)), node))
        elif isinstance(spec.arg, ConstantArgument):
            returned.append((Leaf("constant", value=spec.arg.value), None))
        elif isinstance(spec.arg, SymIntArgument):
            returned.append((Leaf("size"), node))
        else:
            kind: LeafKind = "complex" if place in edge.outputs else "tensor"
            returned.append((Leaf(kind, dtype="" if dtype is None else short_name(dtype)), node))
    both = returned + changed
    outputs = [node for _, node in both if node is not None]
    if not outputs:
        raise CaptureError("the model returns no tensor, which leaves an engine nothing to compute")
    return tuple(leaf for leaf, _ in both), outputs
