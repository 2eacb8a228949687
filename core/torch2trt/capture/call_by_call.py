"""Taking an exported program apart call by call, which is many times as fast as to trace it once more.

Only where nothing but single calls changes: no call runs a function, what is written in place is not seen under another
name, and no size is known at run time alone.  PyTorch traces all other programs again.
"""

from __future__ import annotations

import contextlib
import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.export import ExportedProgram
from torch.export.graph_signature import ExportGraphSignature, OutputSpec, SymIntArgument, TensorArgument
from torch.fx import traceback
from torch.utils import _pytree as pytree

from .in_place import Memory, NotByItselfError, functional
from .parts import Part, counts, like, looks, nodes_of, parts_of

#: what becomes of a tensor of Python's numbers, where nobody asks for gradients
_DETACHED: Final = torch.ops.aten.detach_.default
#: what a node's notes say of its own result, and not of the user's call
_OWN: Final = ("val", "tensor_meta", "unbacked_bindings")


def call_by_call(
    exported: ExportedProgram,
    apart: Callable[[torch._ops.OpOverload], bool],
    tracing: Callable[[], contextlib.AbstractContextManager[Mapping[Any, Any]]],
) -> ExportedProgram | None:
    """``exported`` with the calls of some operators replaced by what they are made of; None where more has to change.

    Args:
        exported: the program, which stays as it is.
        apart: whether an operator's calls are taken apart.
        tracing: a context in which calls are traced, which gives PyTorch's table of what operators are made of.
    """
    mode = _mode_of(exported)
    if mode is None:
        return None
    try:
        operators = {node: _operator(node) for node in exported.graph.nodes if node.op == "call_function"}
        calls = {node: found for node, found in operators.items() if found and apart(found)}
        # where all calls are copied nothing is traced, and the context alone takes as long as to copy a small program
        traces = calls or any(found not in (None, node.target) for node, found in operators.items())
        context = tracing() if traces else contextlib.nullcontext({})
        with context as rules, torch.no_grad(), traceback.preserve_node_meta():
            parts = parts_of(calls, rules, mode) if calls else {}
            return _Rewriting(exported, operators, parts).program()
    except NotByItselfError:
        return None


def _mode_of(exported: ExportedProgram) -> FakeTensorMode | None:
    """The mode of the program's FakeTensors; None where one is of a class of its own or waits to be conjugated."""
    owned = (*exported.state_dict.values(), *exported.constants.values())
    if any(type(tensor) not in (torch.Tensor, torch.nn.Parameter) for tensor in owned):
        return None
    mode = None
    for node in exported.graph.nodes:
        for value in pytree.tree_leaves(node.meta.get("val")):
            if isinstance(value, FakeTensor):
                if value.layout is not torch.strided or value.is_conj() or value.is_neg():
                    return None
                mode = value.fake_mode
            elif value is not None and not isinstance(value, (bool, int, float, str, torch.SymInt)):
                return None
    return mode


def _operator(node: torch.fx.Node) -> torch._ops.OpOverload | None:
    """The operator without side effects that a node calls; None where it picks one of several results, or counts."""
    if counts(node):
        raise NotByItselfError
    if node.target in (operator.getitem, _DETACHED) or isinstance(node.meta.get("val"), (int, torch.SymInt)):
        return None
    if not isinstance(node.target, torch._ops.OpOverload):
        raise NotByItselfError
    return functional(node.target) if node.target._schema.is_mutable else node.target


class _Rewriting:
    """A graph that is made of another one's calls, one after the other."""

    def __init__(
        self,
        exported: ExportedProgram,
        operators: Mapping[torch.fx.Node, torch._ops.OpOverload | None],
        parts: Mapping[torch.fx.Node, Part],
    ) -> None:
        self._exported, self._operators, self._parts = exported, operators, parts
        self._graph = torch.fx.Graph()
        #: what each value of the other graph is in this one; of a call with several results, a sequence
        self._values: dict[torch.fx.Node, Any] = {}
        #: the sizes that are computed already, by their terms of the inputs' sizes
        self._sizes: dict[str, torch.fx.Node] = {}
        #: the dimensions of inputs that have them
        self._dims: dict[str, tuple[torch.fx.Node, int]] = {}

    @functools.cached_property
    def _memory(self) -> Memory:  # which only programs that write in place need
        return Memory(self._exported.graph)

    def program(self) -> ExportedProgram:
        """The new program."""
        for node in self._exported.graph.nodes:
            if node.op == "call_function":
                self._values[node] = self._call(node)
            elif node.op == "placeholder":
                self._values[node] = placeholder = self._graph.placeholder(str(node.target))
                placeholder.name, placeholder.meta = node.name, dict(node.meta)
                self._note_sizes(placeholder)
            elif node.op == "output":
                self._graph.output(self._mapped(node.args[0])).meta = dict(node.meta)
            else:
                raise NotByItselfError
        module = torch.fx.GraphModule(torch.nn.Module(), self._graph)
        module.meta.update(self._exported.graph_module.meta)
        return ExportedProgram(
            root=module,
            graph=module.graph,
            graph_signature=self._signature(),
            state_dict=dict(self._exported.state_dict),
            range_constraints=dict(self._exported.range_constraints),
            module_call_graph=self._exported.module_call_graph,
            example_inputs=self._exported.example_inputs,
            constants=dict(self._exported.constants),
        )

    def _mapped(self, values: Any) -> Any:
        return pytree.tree_map_only(torch.fx.Node, self._values.__getitem__, values)

    def _call(self, node: torch.fx.Node) -> Any:
        """What a call of the other graph is in this one."""
        overload = self._operators[node]
        overwritten = [] if overload in (None, node.target) else self._memory.overwritten(node)
        args, kwargs = self._mapped((node.args, node.kwargs))
        if node.target is _DETACHED:
            result = args[0]
        elif node in self._parts:
            result = self._part(node, self._parts[node])
        elif node.target is operator.getitem and not isinstance(args[0], torch.fx.Node):
            result = args[0][args[1]]
        elif overload is None or overload is node.target:
            result = self._add(node, node.target, args, kwargs, node.meta["val"])
        else:
            examples = pytree.tree_map_only(torch.fx.Node, lambda used: used.meta["val"], (args, kwargs))
            result = self._add(node, overload, args, kwargs, overload(*examples[0], **examples[1]))
        for other in overwritten:
            if looks(result.meta["val"]) != looks(node.meta["val"]):
                raise NotByItselfError  # a result that is cast or expanded when it is written
            self._values[other] = result
        return result

    def _part(self, node: torch.fx.Node, part: Part) -> Any:
        """What a call is made of, in this graph: its result."""
        values = dict(zip(part.inputs, map(self._values.__getitem__, nodes_of(node)), strict=True))
        for step in part.steps:
            if step.op != "call_function" or counts(step):
                raise NotByItselfError  # a tensor of Python's numbers, or a size that only a run tells
            args, kwargs = pytree.tree_map_only(torch.fx.Node, values.__getitem__, (step.args, step.kwargs))
            if isinstance(step.meta.get("val"), torch.SymInt) and (size := self._size(node, step.meta["val"])):
                values[step] = size
                continue
            # results of calls are told apart by their FakeTensors, also where the calls were traced once
            value = pytree.tree_map_only(torch.Tensor, like, step.meta.get("val"))
            values[step] = self._add(node, step.target, args, kwargs, value)
            values[step].meta["custom"] = step.meta.get("custom", {})  # where a rule notes something
        return pytree.tree_map_only(torch.fx.Node, values.__getitem__, part.result)

    def _note_sizes(self, placeholder: torch.fx.Node) -> None:
        for dim, size in enumerate(getattr(placeholder.meta.get("val"), "shape", ())):
            if isinstance(size, torch.SymInt):
                self._dims.setdefault(str(size), (placeholder, dim))

    def _size(self, node: torch.fx.Node, size: torch.SymInt) -> torch.fx.Node | None:
        """A size that is computed already, or that of an input; None where it is neither."""
        if str(size) not in self._sizes and str(size) in self._dims:
            self._add(node, torch.ops.aten.sym_size.int, self._dims[str(size)], {}, size)
        return self._sizes.get(str(size))

    def _add(self, node: torch.fx.Node, target: Any, args: Any, kwargs: Any, value: Any) -> torch.fx.Node:
        """A call with what is noted at a call of the other graph."""
        name = getattr(target, "_opname", None)  # as PyTorch names the calls that it traces
        added = self._graph.create_node("call_function", target, args, kwargs, name)
        added.meta = {key: noted for key, noted in node.meta.items() if key not in _OWN} | {"val": value}
        if isinstance(value, torch.SymInt):
            self._sizes.setdefault(str(value), added)
        return added

    def _signature(self) -> ExportGraphSignature:
        """The signature with the new names of what is returned."""
        old = self._exported.graph_signature
        returned: Any = self._graph.output_node().args[0]
        outputs = [_renamed(spec, value) for spec, value in zip(old.output_specs, returned, strict=True)]
        return ExportGraphSignature(input_specs=list(old.input_specs), output_specs=outputs)


def _renamed(spec: OutputSpec, value: Any) -> OutputSpec:
    if not isinstance(spec.arg, (TensorArgument, SymIntArgument)):
        return spec
    if not isinstance(value, torch.fx.Node) or value.op == "placeholder":
        raise NotByItselfError  # an input that is returned
    return OutputSpec(spec.kind, type(spec.arg)(value.name), spec.target)
