"""Reading the graph of an exported program; after this, nobody needs ``torch.fx``."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, OutputKind
from torch.utils import _pytree as pytree

from ..packs.choice import folds
from ..packs.targets import describe
from ..program.call import Call, Ref, bind
from ..program.program import Program
from .declined import reasons_noted
from .intercept import Interception
from .kept import OPERATOR
from .sources import source_of
from .wrappers import WRAPPERS, original_path
from .writing import place_of_first, written_by

#: what masks and indices have, which converters look into before they take a call; weights are not computed for that
_INDICES: Final = (torch.bool, torch.uint8, torch.int32, torch.int64)
#: the kinds of inputs of a graph that are the model's own tensors
CONSTANTS: Final = (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR)


class Reader:
    """One graph: the program itself or one of its subgraphs."""

    def __init__(
        self,
        graph_module: torch.fx.GraphModule,
        interception: Interception,
        constants: Mapping[str, tuple[str, torch.Tensor]],
        name: str = "",
        state: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self._graph_module, self._interception, self._name = graph_module, interception, name
        self._state = state or {}
        #: of a placeholder the name and the value of the constant that it is
        self._constants = constants
        self._folded: dict[torch.fx.Node, bool] = {}
        self._computed: dict[torch.fx.Node, Any] = {}

    @classmethod
    def of(cls, exported: ExportedProgram, interception: Interception) -> Reader:
        """The reader of a whole program."""
        state = {spec.arg.name: tensor_of(exported, spec) for spec in written(exported)}
        return cls(exported.graph_module, interception, _constants(exported, state.keys()), state=state)

    @property
    def graph(self) -> torch.fx.Graph:
        """What it reads."""
        return self._graph_module.graph

    @property
    def nodes(self) -> Iterator[torch.fx.Node]:
        """The nodes that are calls, in order."""
        return (n for n in self.graph.nodes if n.op == "call_function" and not _is_getitem(n))

    def subgraphs(self) -> Iterator[Reader]:
        """Readers of the graphs that calls of this one run."""
        for node in self.graph.nodes:
            if node.op == "get_attr" and isinstance(self._attribute(node), torch.fx.GraphModule):
                reader = self._subgraph(node)
                yield reader
                yield from reader.subgraphs()

    def call(self, node: torch.fx.Node) -> Call:
        """The call that a node is, with the values of constants among its arguments."""
        operands = self._operands(node)
        args, kwargs = bind(operands, self._example_values(node).__getitem__)
        result: Any = node.meta.get("val")
        if node.target is OPERATOR:
            kept = self._interception[str(node.args[2])]
            target, result = kept.target, kept.result(result)
        else:
            function = node.target if (writing := written_by(node)) is None else writing[0]
            assert callable(function)
            target = describe(function)
        first = place_of_first(node)
        result = result[first:] if first else result
        path, kind = _module(node)
        used = frozenset(int(n.args[1]) - first for n in node.users) if all(map(_is_getitem, node.users)) else None  # type: ignore[arg-type]  # getitem(result, index)
        return Call(
            *(target, node.name, operands, args, kwargs, result, path, kind, source_of(node), used),
            declined=reasons_noted(node),
            narrowed=node.meta.get("narrowed", ""),
        )

    def program(self, outputs: Any = None, signature: Any = None) -> Program:
        """The whole graph; ``outputs`` are the names of the nodes that it returns, by default all that it does."""
        graph = self.graph
        inputs = {
            n.name: n.meta["val"]
            for n in graph.find_nodes(op="placeholder")
            if self._name or n.name not in self._constants  # a subprogram is given its constants too
        }
        by_name = {node.name: node for node in graph.nodes}
        returned = graph.output_node().args[0] if outputs is None else [by_name[name] for name in outputs]
        single = isinstance(returned, torch.fx.Node)
        return Program(
            self._name,
            inputs,
            dict(self._constants.values()),
            tuple(self.call(node) for node in self.nodes),
            tuple(self._ref(n) if isinstance(n, torch.fx.Node) else n for n in ([returned] if single else returned)),  # type: ignore[union-attr]  # a tuple of nodes and constants
            signature,
            single,
            self._state,
        )

    def _operands(self, node: torch.fx.Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        writing = written_by(node)
        function, given = (node.target, (node.args, node.kwargs)) if writing is None else (writing[0], ((), writing[1]))
        args, kwargs = pytree.tree_map_only(torch.fx.Node, self._ref, (tuple(given[0]), dict(given[1])))
        if node.target is OPERATOR:
            tensors, sizes, key = args
            kept = self._interception[key]
            passed: Any = node.args[0]
            varying = [name for name, used in zip(kept.state, passed, strict=False) if self._varies(used)]
            return kept.operands(tensors, sizes, tuple(varying))
        return _positional(function, args, kwargs)

    def _varies(self, node: torch.fx.Node) -> bool:
        """Whether a node comes of anything but constants."""
        sources = {node: None}
        for source in (todo := [node]):
            new = [used for used in source.all_input_nodes if used not in sources]
            sources |= dict.fromkeys(new)
            todo += new
        return any(source.op == "placeholder" and source.name not in self._constants for source in sources)

    def _ref(self, node: torch.fx.Node) -> Any:
        if node.op == "placeholder":
            constant = self._constants.get(node.name)
            return Ref("input", node.name) if constant is None else Ref("constant", constant[0])
        if node.op == "get_attr":
            return self._subgraph(node).program()
        if _is_getitem(node):
            call, index = node.args
            return Ref("call", call.name, index - place_of_first(call))  # type: ignore[union-attr, operator, arg-type]  # getitem(result, index)
        return Ref("call", node.name)

    def _example_values(self, node: torch.fx.Node) -> dict[Ref, Any]:
        return {self._ref(used): self._example(used) for used in node.all_input_nodes if used.op != "get_attr"}

    def _example(self, node: torch.fx.Node) -> Any:
        """Of a constant the value, and of masks and indices that are computed of constants alone."""
        example = node.meta["val"]
        is_index = isinstance(example, torch.Tensor) and example.dtype in _INDICES
        return self._value(node) if node.name in self._constants or (is_index and self._folds(node)) else example

    def _folds(self, node: torch.fx.Node) -> bool:
        """Whether a node is a constant, or will be one when it is lowered."""
        if node not in self._folded:
            self._folded[node] = node.name in self._constants or (
                node.op == "call_function"
                and all(map(self._folds, node.all_input_nodes))
                and (_is_getitem(node) or folds(self.call(node), lambda _: True, self._interception.packs))
            )
        return self._folded[node]

    def _value(self, node: torch.fx.Node) -> Any:
        if node.name in self._constants:
            return self._constants[node.name][1]
        if node not in self._computed:
            args, kwargs = pytree.tree_map_only(torch.fx.Node, self._value, (node.args, node.kwargs))
            with torch.no_grad():
                self._computed[node] = node.target(*args, **kwargs)  # type: ignore[operator]  # an overload
        return self._computed[node]

    def _subgraph(self, node: torch.fx.Node) -> Reader:
        """The reader of a graph that a call runs, in which the constants among the call's last operands are constants.

        These are what the functions of the model refer to beside their arguments, such as the parameters of a branch.
        """
        graph: torch.fx.GraphModule = self._attribute(node)
        lifted = next(iter(node.users)).args[-1] if node.users else ()
        placeholders = graph.graph.find_nodes(op="placeholder")
        pairs = zip(reversed(placeholders), reversed(lifted), strict=False) if isinstance(lifted, (list, tuple)) else ()
        constants = {p.name: self._constants[o.name] for p, o in pairs if getattr(o, "name", None) in self._constants}
        return Reader(graph, self._interception, constants, str(node.target))

    def _attribute(self, node: torch.fx.Node) -> Any:
        return operator.attrgetter(str(node.target))(self._graph_module)


def written(exported: ExportedProgram) -> list[InputSpec]:
    """The buffers that a decomposed program writes."""
    signature = exported.graph_signature
    targets = {spec.target for spec in signature.output_specs if spec.kind is OutputKind.BUFFER_MUTATION}
    return [spec for spec in signature.input_specs if spec.kind is InputKind.BUFFER and spec.target in targets]


def tensor_of(exported: ExportedProgram, spec: InputSpec) -> torch.Tensor:
    """The parameter, buffer or constant that an input of the graph is."""
    assert spec.target is not None
    owner = exported.state_dict if spec.target in exported.state_dict else exported.constants
    tensor = owner[spec.target]
    assert isinstance(tensor, torch.Tensor)
    return tensor.detach().resolve_conj().resolve_neg()


def _constants(exported: ExportedProgram, state: Collection[str]) -> dict[str, tuple[str, torch.Tensor]]:
    return {
        spec.arg.name: (original_path(str(spec.target)), tensor_of(exported, spec))
        for spec in exported.graph_signature.input_specs
        if spec.kind in CONSTANTS and spec.arg.name not in state
    }


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
