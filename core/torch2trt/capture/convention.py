"""The calling convention of an exported program, as the signature of a converted module."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument, TensorArgument

from ..dtypes import short_name
from ..errors import CaptureError
from ..program.signature import Leaf, Signature, TensorSpec
from .inputs import Example, allowed_range
from .wrappers import original_path

_SIMPLE: Final = (type(None), bool, int, float, str)


def signature_of(model: Any, exported: ExportedProgram, example: Example) -> tuple[Signature, list[str]]:
    """The signature of a model and its exported program, and the names of the nodes that are its outputs."""
    nodes = {node.name: node for node in exported.graph.nodes}
    specs, input_leaves = _inputs(exported, example, nodes)
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
    exported: ExportedProgram, example: Example, nodes: dict[str, torch.fx.Node]
) -> tuple[list[TensorSpec], list[Leaf]]:
    specs: list[TensorSpec] = []
    leaves: list[Leaf] = []
    user_inputs = [s for s in exported.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
    for spec, description in zip(user_inputs, example.described, strict=True):
        if isinstance(spec.arg, ConstantArgument):
            leaves.append(Leaf("constant", spec.arg.name, spec.arg.value))
            continue
        if not isinstance(spec.arg, TensorArgument):
            raise CaptureError(
                f"input {spec.arg.name!r} is a Python number that varies; pass a tensor, or fix the number"
            )
        node = nodes[spec.arg.name]
        tensor = node.meta["val"]
        ranges = tuple(
            _range(size, exported, node.name, index, description.ranges[index] if description else None)
            for index, size in enumerate(tensor.shape)
        )
        specs.append(TensorSpec(node.name, short_name(tensor.dtype), ranges))
        leaves.append(Leaf("tensor", node.name))
    return specs, leaves


def _outputs(exported: ExportedProgram) -> tuple[tuple[Leaf, ...], list[str]]:
    returned: list[tuple[Leaf, str | None]] = []
    changed: list[tuple[Leaf, str | None]] = []
    # by position: a hook may have replaced a node that the program returns, whose name the specification still has
    values = exported.graph.output_node().args[0]
    for spec, value in zip(exported.graph_signature.output_specs, values, strict=True):
        if spec.kind is OutputKind.BUFFER_MUTATION:
            raise CaptureError(
                f"the model changes its buffer {original_path(str(spec.target))!r} when it is called, which an engine "
                "cannot keep; call model.eval(), or return the new value and pass it in again"
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


def _range(
    size: Any, exported: ExportedProgram, name: str, index: int, described: tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """``(min, opt, max)`` of an input's size."""
    if isinstance(size, int):
        return (size, size, size)
    low, high = allowed_range(size, exported.range_constraints)
    opt = size.node.hint
    if described is not None:
        low, opt = max(low, described[0]), described[1]
        high = described[2] if high is None else min(high, described[2])
    if high is None:
        raise CaptureError(
            f"dimension {index} of input {name!r} has no upper bound, which a TensorRT profile needs; "
            f"give one: torch.export.Dim('d{index}', max=...) or Input(min=..., opt=..., max=...)"
        )
    return (low, min(max(opt, low), high), high)
