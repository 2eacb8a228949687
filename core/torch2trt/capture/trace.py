"""Tracing: ``torch.export`` and its decompositions, with everything that a pack claims kept whole."""

from __future__ import annotations

import functools
import inspect
import os
import re
import threading
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, SymIntArgument, TensorArgument
from torch.utils import _pytree as pytree

from ..call import Call
from ..dtypes import short_name
from ..errors import CaptureError
from ..inputs import Example
from ..packs import Packs
from ..registry import Registry
from ..settings import Settings
from ..signature import Leaf, Signature, TensorSpec
from ..targets import Target, describe
from .intercept import OPERATOR, Interception
from .precision import Casting
from .program import Program, fake, is_getitem, map_nodes

_ASSERTIONS = (
    "aten._assert_async",
    "aten._assert_scalar",
    "aten._assert_tensor_metadata",
    "aten.sym_constrain_range",
    "aten.sym_constrain_range_for_size",
)


#: torch.export keeps what it traces in globals of its own: one capture at a time in a process
_export_lock = threading.RLock()


def capture(model: Any, example: Example, packs: Packs, settings: Settings) -> Program:
    """The program of ``model`` for inputs like ``example``.

    Args:
        model: a module, a callable, or an ``ExportedProgram`` (whose own inputs then count).
        example: the example inputs.
        packs: their claimed calls stay whole, their hooks may change the decompositions and the graph.
        settings: ``precision`` decides the dtypes.

    Raises:
        CaptureError: ``torch.export`` cannot express the model; the message says what to do.
    """
    with _export_lock:
        return _capture(model, example, packs, settings)


def _capture(model: Any, example: Example, packs: Packs, settings: Settings) -> Program:
    registry = packs.registry()
    interception = Interception(registry, _accepts(registry))
    if isinstance(model, ExportedProgram):
        exported = model
        if settings.precision is not None:
            raise CaptureError(
                "precision cannot be changed in an ExportedProgram; export the model in the dtype you want"
            )
    else:
        module = model if isinstance(model, torch.nn.Module) else _Function(model, len(example.args))
        exported = _export(module, example, interception, settings)
    claimed = registry.claimed("aten")
    rules = _default_decompositions(len(torch._C._dispatch_get_all_op_names()))
    table = {overload: rule for overload, rule in rules.items() if overload not in claimed}
    packs.hook.torch2trt_decompositions(table=table)
    for overload in claimed:
        table.pop(overload, None)  # one pack's rule does not take an operator from another's converter
    exported = exported.run_decompositions(table)
    _drop_assertions(exported.graph)
    packs.hook.torch2trt_transform_graph(graph_module=exported.graph_module, settings=settings)
    return _program(exported, example, interception)


@functools.lru_cache(maxsize=1)
def _default_decompositions(registered: int) -> dict[Any, Callable[..., Any]]:
    """PyTorch's rules while ``registered`` operators exist; its own table looks all of them up whenever it is read."""
    return dict(torch.export.default_decompositions().items())


class _Function(torch.nn.Module):
    """A plain callable as a module."""

    def __init__(self, function: Callable[..., Any], arguments: int) -> None:
        super().__init__()

        @functools.wraps(function)
        def forward(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        try:
            inspect.signature(function)
        except ValueError:  # a built-in without one: export needs to know how many inputs there are
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            parameters = [inspect.Parameter(f"input_{index}", kind) for index in range(arguments)]
            forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        self.forward = forward


def _export(
    module: torch.nn.Module, example: Example, interception: Interception, settings: Settings
) -> ExportedProgram:
    if module.training and any(module.children()):
        _check_eval(module)
    traced = module if settings.precision is None else Casting(module, settings.precision)
    try:
        with interception.of(module), torch.no_grad(), warnings.catch_warnings():
            # torch.nn's recurrent layers keep their parameters in a list too, which export puts its own into
            warnings.filterwarnings("ignore", r"The tensor attributes? .*\b_flat_weights\[", UserWarning)
            return torch.export.export(
                traced, example.args, example.kwargs, dynamic_shapes=example.dynamic_shapes, strict=False
            )
    except CaptureError:
        raise
    except Exception as error:
        raise CaptureError(_explain(error)) from error


def _check_eval(module: torch.nn.Module) -> None:
    behaves_differently = (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)
    found = [
        name for name, child in module.named_modules() if isinstance(child, behaves_differently) and child.training
    ]
    if found:
        raise CaptureError(
            f"the model is in training mode ({', '.join(found[:5])}{', …' if len(found) > 5 else ''} "
            "behave differently there); call model.eval() before converting it"
        )


def _explain(error: Exception) -> str:
    text = str(error).split("\nThe error above occurred when")[0].strip()
    where = re.findall(r'File "([^"]+)", line (\d+), in (\w+)', text)
    kind = type(error).__name__
    if kind.startswith("GuardOnDataDependent") or "data-dependent" in text:
        place = f" at {_short(*where[-1][:2])}" if where else ""
        return (
            f"the model's Python control flow depends on the values of a tensor{place}: {text.splitlines()[0]} "
            "Use torch.cond or torch.where for a choice made at run time, or state what always holds with torch._check"
        )
    if "Constraints violated" in text or "specialized" in text:
        return f"a size that you gave as dynamic is fixed by the model. {text}"
    return f"torch.export cannot express the model: {kind}: {text}"


def _accepts(registry: Registry) -> Callable[[Target, tuple[Any, ...], dict[str, Any], Any], bool]:
    def accepts(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> bool:
        call = Call(target, "", args, kwargs, result, "", "", "")
        return any(converter.reason_declined(call) is None for converter in registry.chain(target.obj))

    return accepts


def _drop_assertions(graph: torch.fx.Graph) -> None:
    """Checks that export inserts; ranges are checked at every call, and dtypes while lowering."""
    for node in reversed(graph.nodes):
        if node.op == "call_function" and str(node.target).rpartition(".")[0] in _ASSERTIONS and not node.users:
            graph.erase_node(node)
    graph.eliminate_dead_code()


def _program(exported: ExportedProgram, example: Example, interception: Interception) -> Program:
    nodes = {node.name: node for node in exported.graph.nodes}
    constants = {
        nodes[spec.arg.name]: _constant(exported, spec)
        for spec in exported.graph_signature.input_specs
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)
    }
    calls: dict[torch.fx.Node, Call] = {}

    def arguments(node: torch.fx.Node, value: Callable[[torch.fx.Node], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if node.target is OPERATOR:
            tensors, sizes, key = map_nodes(node.args, value)
            return interception[key].bind(tensors, sizes)
        return _positional(node.target, *map_nodes((node.args, node.kwargs), value))

    def known(node: torch.fx.Node) -> Any:
        return constants.get(node, node.meta.get("val"))

    for node in exported.graph.nodes:
        if node.op == "call_function" and not is_getitem(node):
            calls[node] = _call(node, *arguments(node, known), interception)
    signature, inputs, outputs = _signature(exported, example, nodes)
    return Program(exported.graph, constants, inputs, outputs, calls, arguments, signature)


def _constant(exported: ExportedProgram, spec: Any) -> torch.Tensor:
    owner = exported.state_dict if spec.target in exported.state_dict else exported.constants
    tensor = owner[spec.target]
    assert isinstance(tensor, torch.Tensor)
    return tensor.detach()


def _positional(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Operator arguments by position wherever the schema allows it: their names there are not the public ones."""
    if not kwargs or not isinstance(target, torch._ops.OpOverload):
        return tuple(args), kwargs
    keywords = dict(kwargs)
    positional = list(args)
    for argument in target._schema.arguments[len(args) :]:
        if argument.kwarg_only or not any(not a.kwarg_only and a.name in keywords for a in target._schema.arguments):
            break
        positional.append(keywords.pop(argument.name, argument.default_value))
    return tuple(positional), keywords


def _call(node: torch.fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any], interception: Interception) -> Call:
    result = fake(node)
    if node.target is OPERATOR:
        kept = interception[str(node.args[2])]
        target = kept.target
        assert kept.out_spec is not None
        result = pytree.tree_unflatten(result, kept.out_spec)
    else:
        assert callable(node.target)
        target = describe(node.target)
    path, kind = _module(node)
    return Call(target, node.name, args, kwargs, result, path, kind, _source(node), _used(node))


def _used(node: torch.fx.Node) -> frozenset[int] | None:
    if not all(is_getitem(user) for user in node.users):
        return None
    return frozenset(int(user.args[1]) for user in node.users)  # type: ignore[arg-type]  # getitem(results, index)


def _module(node: torch.fx.Node) -> tuple[str, str]:
    for path, kind in reversed((node.meta.get("nn_module_stack") or {}).values()):
        name = (kind if isinstance(kind, str) else kind.__qualname__).rpartition(".")[2]
        # wrappers of ours around the user's model are none of the user's modules
        if not path.startswith("_empty_nn_module_stack") and name not in (Casting.__name__, _Function.__name__):
            return Casting.original_path(path), name
    return "", ""


def _source(node: torch.fx.Node) -> str:
    frames = re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or "")
    root = torch.__path__[0] + os.sep
    users = [
        (file, line) for file, line in frames if not file.startswith((root, "torch/")) and "/torch2trt/" not in file
    ]
    return _short(*users[-1]) if users else ""


def _short(file: str, line: str) -> str:
    return f"{file.rpartition('/')[2]}:{line}"


def _signature(
    exported: ExportedProgram, example: Example, nodes: dict[str, torch.fx.Node]
) -> tuple[Signature, tuple[torch.fx.Node, ...], tuple[torch.fx.Node, ...]]:
    specs: list[TensorSpec] = []
    inputs: list[torch.fx.Node] = []
    leaves: list[Leaf] = []
    user_inputs = [s for s in exported.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
    described = example.described if len(example.described) == len(user_inputs) else (None,) * len(user_inputs)
    for spec, description in zip(user_inputs, described, strict=True):
        if isinstance(spec.arg, ConstantArgument):
            leaves.append(Leaf("constant", spec.arg.name, spec.arg.value))
            continue
        if not isinstance(spec.arg, TensorArgument):
            raise CaptureError(
                f"input {spec.arg.name!r} is a Python number that varies; pass a tensor, or fix the number"
            )
        node = nodes[spec.arg.name]
        tensor = fake(node)
        ranges = tuple(
            _range(size, exported, node.name, index, description.ranges[index] if description else None)
            for index, size in enumerate(tensor.shape)
        )
        specs.append(TensorSpec(node.name, short_name(tensor.dtype), ranges))
        inputs.append(node)
        leaves.append(Leaf("tensor", node.name))
    output_leaves, outputs = _outputs(exported, nodes)
    assert exported.call_spec.in_spec is not None
    assert exported.call_spec.out_spec is not None
    entry = exported.module_call_graph[0].signature
    signature = Signature(
        inputs=tuple(specs),
        input_leaves=tuple(leaves),
        in_spec=exported.call_spec.in_spec,
        parameters=tuple((entry.forward_arg_names if entry else None) or ()),
        outputs=tuple(f"output_{index}" for index in range(len(outputs))),
        output_leaves=output_leaves,
        out_spec=exported.call_spec.out_spec,
    )
    return signature, tuple(inputs), outputs


def _outputs(
    exported: ExportedProgram, nodes: dict[str, torch.fx.Node]
) -> tuple[tuple[Leaf, ...], tuple[torch.fx.Node, ...]]:
    returned: list[tuple[Leaf, torch.fx.Node | None]] = []
    changed: list[tuple[Leaf, torch.fx.Node | None]] = []
    for spec in exported.graph_signature.output_specs:
        if spec.kind is OutputKind.BUFFER_MUTATION:
            raise CaptureError(
                f"the model changes its buffer {spec.target!r} when it is called, which an engine cannot keep; "
                "call model.eval(), or return the new value and pass it in again"
            )
        node = nodes.get(spec.arg.name)
        if spec.kind is OutputKind.USER_INPUT_MUTATION:
            changed.append((Leaf("mutated", str(spec.target)), node))
        elif isinstance(spec.arg, ConstantArgument):
            returned.append((Leaf("constant", value=spec.arg.value), None))
        elif isinstance(spec.arg, SymIntArgument):
            returned.append((Leaf("size"), node))
        else:
            returned.append((Leaf("tensor"), node))
    both = returned + changed
    return tuple(leaf for leaf, _ in both), tuple(node for _, node in both if node is not None)


def _range(
    size: Any, exported: ExportedProgram, name: str, index: int, described: tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """``(min, opt, max)`` of an input's size."""
    if isinstance(size, int):
        return (size, size, size)
    allowed = exported.range_constraints.get(size.node.expr)
    # torch.export says 2 for every range that begins at 0 or 1
    low, high = (1, None) if allowed is None else (_bound(allowed.lower, 1), _bound(allowed.upper, None))
    low = 1 if low is None or low <= 2 else low
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


def _bound(value: Any, otherwise: int | None) -> int | None:
    return int(value) if value.is_Integer else otherwise
