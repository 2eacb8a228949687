"""The calling convention of an exported program, as the signature of a converted module."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument, TensorArgument

from ..dtypes import short_name
from ..errors import CaptureError
from ..program.guards import Guard, Size
from ..program.leaves import Leaf, TensorSpec
from ..program.signature import Signature
from .dims import Asked
from .guards import guards_of
from .inputs import Example
from .ranges import settle
from .trial import computes_the_same

_SIMPLE: Final = (type(None), bool, int, float, str)


def signature_of(
    model: Any, module: torch.nn.Module | None, exported: ExportedProgram, example: Example
) -> tuple[Signature, list[str]]:
    """The signature of a model and its exported program, and the names of the nodes that are its outputs.

    Args:
        model: what users call.
        module: what was exported; None where that is not at hand.
        exported: the program, decomposed.
        example: the example inputs.
    """
    nodes = {node.name: node for node in exported.graph.nodes}
    specs, input_leaves, guards = _inputs(exported, example, module, nodes)
    output_leaves, outputs = _outputs(exported)
    assert exported.call_spec.in_spec is not None
    assert exported.call_spec.out_spec is not None
    entry = exported.module_call_graph[0].signature
    parameters = tuple((entry.forward_arg_names if entry else None) or ())
    signature = Signature(
        inputs=tuple(specs),
        input_leaves=tuple(input_leaves),
        in_spec=exported.call_spec.in_spec,
        parameters=parameters,
        outputs=tuple(f"output_{index}" for index in range(len(outputs))),
        output_leaves=output_leaves,
        out_spec=exported.call_spec.out_spec,
        omitted=_omitted(model, parameters),
        guards=guards,
    )
    return signature, outputs


def _omitted(model: Any, given: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """The positional parameters of a model that were not given, with their defaults, as far as these are simple."""
    function = model.forward if isinstance(model, torch.nn.Module) else model
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a built-in, or an exported program, whose own inputs are all that it takes
        return ()
    left_out = []
    for parameter in parameters[len(given) :]:
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD or not isinstance(parameter.default, _SIMPLE):
            break
        left_out.append((parameter.name, parameter.default))
    return tuple(left_out)


def _inputs(
    exported: ExportedProgram, example: Example, module: torch.nn.Module | None, nodes: dict[str, torch.fx.Node]
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
        leaves.append(Leaf("tensor", argument.name))
    guards = guards_of(exported, [argument.name for argument in arguments])

    def tried(sizes: Mapping[Size, int]) -> bool:
        return module is not None and computes_the_same(exported, module, example, sizes)

    ranges, remaining = settle(exported, tensors, asked, guards, tried)
    specs = [TensorSpec(name, short_name(tensor.dtype), ranges[name]) for name, tensor in tensors.items()]
    return specs, leaves, remaining


def _outputs(exported: ExportedProgram) -> tuple[tuple[Leaf, ...], list[str]]:
    returned: list[tuple[Leaf, str | None]] = []
    changed: list[tuple[Leaf, str | None]] = []
    # by position: a hook may have replaced a node that the program returns, whose name the specification still has
    values = exported.graph.output_node().args[0]
    for spec, value in zip(exported.graph_signature.output_specs, values, strict=True):
        if spec.kind is OutputKind.BUFFER_MUTATION:
            raise CaptureError(
                f"the model changes its buffer {spec.target!r} when it is called, which an engine cannot keep; "
                "call model.eval(), or return the new value and pass it in again"
            )
        node = value.name if isinstance(value, torch.fx.Node) else None
        if spec.kind is OutputKind.USER_INPUT_MUTATION:
            changed.append((Leaf("mutated", str(spec.target)), node))
        elif isinstance(spec.arg, ConstantArgument):
            returned.append((Leaf("constant", value=spec.arg.value), None))
        elif isinstance(spec.arg, SymIntArgument):
            returned.append((Leaf("size"), node))
        else:
            returned.append((Leaf("tensor"), node))
    both = returned + changed
    outputs = [node for _, node in both if node is not None]
    if not outputs:
        raise CaptureError("the model returns no tensor, which leaves an engine nothing to compute")
    return tuple(leaf for leaf, _ in both), outputs
