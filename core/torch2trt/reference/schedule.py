"""Turn a network into a schedule: its layers in an order in which they can be evaluated, prepared once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .errors import InterpreterError, UnsupportedLayerError
from .evaluators import EVALUATORS
from .evaluators.base import Argument, Prepared
from .layers import Layers, Node, Value, read_layers
from .scopes import Graph, Scope, find_scopes, needed_layers, outermost
from .steps import AnyStep, BranchStep, Iteration, LoopOutput, LoopStep, Recurrence, Step, with_releases


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps in order; ``constants`` maps slots to the values that fill them before the first step."""

    steps: tuple[AnyStep, ...]
    num_slots: int
    constants: dict[int, Any]
    host_constants: frozenset[int]
    inputs: tuple[tuple[Value, int], ...]
    outputs: tuple[tuple[Value, int], ...]


def make_schedule(network: Any) -> Schedule:
    """Read and order an ``INetworkDefinition``; one error names all layers that have no evaluator."""
    return _Scheduler(needed_layers(read_layers(network))).schedule()


class _Scheduler:
    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.graph = Graph.of(layers)
        self.scopes = find_scopes(layers, self.graph)
        self.slots: dict[Value, int] = {}
        self.constants: dict[int, Any] = {0: None}  # slot 0 stands for every absent input
        self.host_constants: set[int] = set()
        self.num_slots = 1
        boundary = {node for scope in self.scopes for node in scope.boundary}
        self.prepared = _prepare(node for node in layers.nodes if node not in boundary)

    def schedule(self) -> Schedule:
        inputs = tuple((value, self.slot(value)) for value in self.layers.inputs)
        outputs = tuple((value, self.slot(value)) for value in self.layers.outputs)
        steps = self.region(set(self.layers.nodes), keep={slot for _, slot in outputs})
        return Schedule(steps, self.num_slots, self.constants, frozenset(self.host_constants), inputs, outputs)

    def slot(self, value: Value | None) -> int:
        if value is None:
            return 0
        if value not in self.slots:
            self.slots[value] = self.new_slot()
        return self.slots[value]

    def new_slot(self) -> int:
        self.num_slots += 1
        return self.num_slots - 1

    def region(self, members: set[Node], keep: set[int]) -> tuple[AnyStep, ...]:
        """The steps of the network, of a loop's body or of a branch."""
        nested = outermost(self.scopes, members)
        inner = {node for scope in nested for node in scope.members}
        items: list[Node | Scope] = [node for node in self.layers.nodes if node in members and node not in inner]
        items += nested
        steps = [step for item in self.ordered(items) if (step := self.step(item)) is not None]
        return with_releases(steps, keep)

    def ordered(self, items: Sequence[Node | Scope]) -> list[Node | Scope]:
        """Topological order, depth first; the network's own order among independent items."""
        owner = {node: item for item in items for node in _nodes_of(item)}
        order: list[Node | Scope] = []
        begun: set[Node | Scope] = set()
        finished: set[Node | Scope] = set()
        todo: list[tuple[Node | Scope, bool]] = [(item, False) for item in reversed(items)]
        while todo:
            item, complete = todo.pop()
            if complete:
                finished.add(item)
                order.append(item)
            elif item not in begun:
                begun.add(item)
                todo.append((item, True))
                needs = self.needs(item, owner)
                if cycle := [needed for needed in needs if needed in begun and needed not in finished]:
                    raise InterpreterError(f"the network has a cycle without a recurrence: {_first(cycle[0])}")
                todo.extend((needed, False) for needed in needs)
        return order

    def needs(self, item: Node | Scope, owner: dict[Node, Node | Scope]) -> list[Node | Scope]:
        """The items that compute what ``item`` reads, last first."""
        producers = (self.graph.producer.get(v) for node in _nodes_of(item) for v in node.inputs if v is not None)
        items = {owner[producer] for producer in producers if producer is not None and producer in owner}
        return sorted(items - {item}, key=lambda needed: _first(needed).index, reverse=True)

    def step(self, item: Node | Scope) -> AnyStep | None:
        if isinstance(item, Scope):
            return self.loop(item) if item.loop else self.conditional(item)
        prepared = self.prepared[item]
        host = bool(item.outputs) and all(value.host for value in item.outputs)
        if item.kind == "CONSTANT":
            slot = self.slot(item.outputs[0])
            self.constants[slot] = prepared.args[0]
            if host:
                self.host_constants.add(slot)
            return None
        inputs = tuple(self.argument(argument) for argument in prepared.args)
        outputs = tuple(self.slot(value) for value in item.outputs)
        return Step(item, prepared.kernel, inputs, outputs, host, prepared.control_from)

    def argument(self, argument: Argument) -> int:
        if argument is None or isinstance(argument, Value):
            return self.slot(argument)
        slot = self.new_slot()
        self.constants[slot] = argument
        return slot

    def loop(self, scope: Scope) -> LoopStep:
        limits = {limit.layer.kind.name: limit.required(0) for limit in scope.of_kind("TRIP_LIMIT")}
        count, proceed = limits.get("COUNT"), limits.get("WHILE")
        recurrences = tuple(
            Recurrence(self.slot(node.outputs[0]), self.slot(node.required(0)), self.slot(node.required(1)))
            for node in scope.of_kind("RECURRENCE")
        )
        iterators = tuple(
            Iteration(self.slot(node.outputs[0]), self.slot(node.required(0)), node.layer.axis, node.layer.reverse)
            for node in scope.of_kind("ITERATOR")
        )
        results = tuple(self.loop_output(node) for node in scope.of_kind("LOOP_OUTPUT"))
        keep = {recurrence.following for recurrence in recurrences} | {result.value for result in results}
        keep |= {self.slot(proceed)}
        body = scope.branches[0]
        first = self.closure(proceed, body)
        steps = self.region(body, keep)
        # the body may read what the condition computes, so the condition releases nothing
        condition = tuple(replace(step, release=()) for step in steps if step.node in first)
        return LoopStep(
            scope.boundary[0],
            None if count is None else self.slot(count),
            None if proceed is None else self.slot(proceed),
            recurrences,
            iterators,
            results,
            condition,
            tuple(step for step in steps if step.node not in first),
        )

    def loop_output(self, node: Node) -> LoopOutput:
        kind = node.layer.kind.name
        length = None if kind == "LAST_VALUE" else self.slot(node.required(1))
        axis = 0 if length is None else node.layer.axis
        value = node.required(0)
        return LoopOutput(self.slot(node.outputs[0]), self.slot(value), length, axis, kind == "REVERSE", value)

    def closure(self, value: Value | None, members: set[Node]) -> set[Node]:
        """The members that ``value`` is computed from."""
        sources: set[Node] = set()
        todo = [] if value is None else [value]
        while todo:
            node = self.graph.producer.get(todo.pop())
            if node is not None and node in members and node not in sources:
                holders = [scope for scope in outermost(self.scopes, members) if node in scope.members]
                for used in holders[0].members if holders else {node}:
                    sources.add(used)
                    todo.extend(needed for needed in used.inputs if needed is not None)
        return sources

    def conditional(self, scope: Scope) -> BranchStep:
        ends = scope.of_kind("CONDITIONAL_OUTPUT")
        then, other = (tuple((self.slot(n.outputs[0]), self.slot(n.required(i))) for n in ends) for i in (0, 1))
        condition = scope.of_kind("CONDITION")[0]
        return BranchStep(
            condition,
            self.slot(condition.required(0)),
            tuple((self.slot(n.outputs[0]), self.slot(n.required(0))) for n in scope.of_kind("CONDITIONAL_INPUT")),
            (
                self.region(scope.branches[0], {value for _, value in then}),
                self.region(scope.branches[1], {value for _, value in other}),
            ),
            (then, other),
        )


def _prepare(nodes: Iterable[Node]) -> dict[Node, Prepared]:
    prepared, unknown = {}, []
    for node in nodes:
        evaluator = EVALUATORS.get(node.kind)
        if evaluator is None:
            unknown.append(str(node))
        else:
            prepared[node] = evaluator(node)
    if unknown:
        raise UnsupportedLayerError("the reference interpreter has no evaluator for " + "; ".join(unknown))
    return prepared


def _nodes_of(item: Node | Scope) -> Iterable[Node]:
    return item.members if isinstance(item, Scope) else (item,)


def _first(item: Node | Scope) -> Node:
    return item.boundary[0] if isinstance(item, Scope) else item
