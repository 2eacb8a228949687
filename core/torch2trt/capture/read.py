"""Reading the graph of an exported program; after this, nobody needs ``torch.fx``."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from ..packs.targets import describe
from ..program.call import Call, Ref, bind
from ..program.program import Program
from .declined import reasons_noted
from .intercept import Interception
from .kept import OPERATOR
from .sources import is_users, short_source
from .wrappers import WRAPPERS, original_path

_CONSTANTS: Final = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


class Reader:
    """One graph: the program itself or one of its subgraphs."""

    def __init__(
        self,
        graph_module: torch.fx.GraphModule,
        interception: Interception,
        constants: Mapping[str, tuple[str, torch.Tensor]],
        name: str = "",
    ) -> None:
        self._graph_module, self._interception, self._name = graph_module, interception, name
        #: of a placeholder the name and the value of the constant that it is
        self._constants = constants

    @classmethod
    def of(cls, exported: ExportedProgram, interception: Interception) -> Reader:
        """The reader of a whole program."""
        return cls(exported.graph_module, interception, _constants(exported))

    @property
    def nodes(self) -> Iterator[torch.fx.Node]:
        """The nodes that are calls, in order."""
        return (n for n in self._graph_module.graph.nodes if n.op == "call_function" and not _is_getitem(n))

    def subgraphs(self) -> Iterator[Reader]:
        """Readers of the graphs that calls of this one run."""
        for node in self._graph_module.graph.nodes:
            if node.op == "get_attr" and isinstance(graph := self._attribute(node), torch.fx.GraphModule):
                reader = Reader(graph, self._interception, {}, str(node.target))
                yield reader
                yield from reader.subgraphs()

    def call(self, node: torch.fx.Node) -> Call:
        """The call that a node is."""
        operands = self._operands(node)
        args, kwargs = bind(operands, self._example_values(node).__getitem__)
        result: Any = node.meta.get("val")
        if node.target is OPERATOR:
            kept = self._interception[str(node.args[2])]
            target, result = kept.target, kept.result(result)
        else:
            assert callable(node.target)
            target = describe(node.target)
        path, kind = _module(node)
        used = frozenset(int(user.args[1]) for user in node.users) if all(map(_is_getitem, node.users)) else None  # type: ignore[arg-type]  # getitem(result, index)
        return Call(
            target, node.name, operands, args, kwargs, result, path, kind, source_of(node), used, reasons_noted(node)
        )

    def program(self, outputs: Any = None, signature: Any = None) -> Program:
        """The whole graph; ``outputs`` are the names of the nodes that it returns, by default all that it does."""
        graph = self._graph_module.graph
        inputs = {n.name: n.meta["val"] for n in graph.find_nodes(op="placeholder") if n.name not in self._constants}
        by_name = {node.name: node for node in graph.nodes}
        returned = graph.output_node().args[0] if outputs is None else [by_name[name] for name in outputs]
        return Program(
            self._name,
            inputs,
            dict(self._constants.values()),
            tuple(self.call(node) for node in self.nodes),
            tuple(self._ref(node) if isinstance(node, torch.fx.Node) else node for node in returned),  # type: ignore[union-attr]  # a tuple of nodes and constants
            signature,
        )

    def _operands(self, node: torch.fx.Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, kwargs = pytree.tree_map_only(torch.fx.Node, self._ref, (tuple(node.args), dict(node.kwargs)))
        if node.target is OPERATOR:
            tensors, sizes, key = args
            return self._interception[key].operands(tensors, sizes)
        return _positional(node.target, args, kwargs)

    def _ref(self, node: torch.fx.Node) -> Any:
        if node.op == "placeholder":
            constant = self._constants.get(node.name)
            return Ref("input", node.name) if constant is None else Ref("constant", constant[0])
        if node.op == "get_attr":
            return Reader(self._attribute(node), self._interception, {}, str(node.target)).program()
        if _is_getitem(node):
            return Ref("call", node.args[0].name, node.args[1])  # type: ignore[union-attr, arg-type]  # getitem(result, index)
        return Ref("call", node.name)

    def _example_values(self, node: torch.fx.Node) -> dict[Ref, Any]:
        def example(used: torch.fx.Node) -> Any:
            return self._constants[used.name][1] if used.name in self._constants else used.meta["val"]

        return {self._ref(used): example(used) for used in node.all_input_nodes if used.op != "get_attr"}

    def _attribute(self, node: torch.fx.Node) -> Any:
        return operator.attrgetter(str(node.target))(self._graph_module)


def _constants(exported: ExportedProgram) -> dict[str, tuple[str, torch.Tensor]]:
    constants = {}
    for spec in exported.graph_signature.input_specs:
        if spec.kind in _CONSTANTS:
            assert spec.target is not None
            owner = exported.state_dict if spec.target in exported.state_dict else exported.constants
            tensor = owner[spec.target]
            assert isinstance(tensor, torch.Tensor)
            constants[spec.arg.name] = (original_path(spec.target), tensor.detach().resolve_conj().resolve_neg())
    return constants


def _is_getitem(node: torch.fx.Node) -> bool:
    """Whether a node picks one result of a call with several."""
    return node.op == "call_function" and node.target is operator.getitem and isinstance(node.args[0], torch.fx.Node)


def _positional(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Operator arguments by position wherever the schema allows it: their names there are not the public ones."""
    if not kwargs or not isinstance(target, torch._ops.OpOverload):
        return args, kwargs
    keywords = dict(kwargs)
    positional = list(args)
    for argument in target._schema.arguments[len(args) :]:
        if argument.kwarg_only or not any(not a.kwarg_only and a.name in keywords for a in target._schema.arguments):
            break
        positional.append(keywords.pop(argument.name, argument.default_value))
    return tuple(positional), keywords


def _module(node: torch.fx.Node) -> tuple[str, str]:
    for path, kind in reversed((node.meta.get("nn_module_stack") or {}).values()):
        name = (kind if isinstance(kind, str) else kind.__qualname__).rpartition(".")[2]
        if not path.startswith("_empty_nn_module_stack") and name not in WRAPPERS:
            return original_path(path), name
    return "", ""


def source_of(node: torch.fx.Node) -> str:
    """Where the user's code makes a call; empty where it is not known."""
    return source_in(re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or ""))


def source_in(frames: Sequence[tuple[str, str]]) -> str:
    """The last frame, ``(file, line)``, that is in the user's code."""
    users = [(file, line) for file, line in frames if is_users(file)]
    return short_source(*users[-1]) if users else ""
