"""Find the layers of each loop and branch: TensorRT lists only the boundary layers.

The body of a loop is every layer that its recurrences and iterators reach without passing one of the loop's outputs.  A
branch is every layer that only the branch's result needs, and the assertions on those layers.  All other layers are
evaluated once, outside.  Scopes nest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from .layers import Layers, Node, Value

LOOP_KINDS = frozenset({"TRIP_LIMIT", "RECURRENCE", "ITERATOR", "LOOP_OUTPUT"})
CONDITIONAL_KINDS = frozenset({"CONDITION", "CONDITIONAL_INPUT", "CONDITIONAL_OUTPUT"})


@dataclass(slots=True, eq=False)
class Scope:
    """A loop or a conditional: its boundary layers and the layers inside it, those of nested scopes included.

    ``branches`` holds the (then, else) layers of a conditional; the only branch of a loop is its body.
    """

    loop: bool
    boundary: list[Node]
    branches: list[set[Node]] = field(default_factory=list)

    @property
    def members(self) -> set[Node]:
        """All layers that the scope evaluates by itself."""
        return set(self.boundary).union(*self.branches)

    def of_kind(self, kind: str) -> list[Node]:
        """The boundary layers of one type, in the network's order."""
        return [node for node in self.boundary if node.kind == kind]


@dataclass(frozen=True, slots=True)
class Graph:
    """The producer and the users of each value; ``checks`` holds the assertions and the layers that only they need."""

    producer: dict[Value, Node]
    users: dict[Value, list[Node]]
    outputs: frozenset[Value]
    assertions: frozenset[Node]
    checks: frozenset[Node]

    @classmethod
    def of(cls, layers: Layers) -> Graph:
        """Index the layers of a network."""
        users: dict[Value, list[Node]] = defaultdict(list)
        producer = {}
        for node in layers.nodes:
            for value in node.outputs:
                producer[value] = node
            for used in node.inputs:
                if used is not None:
                    users[used].append(node)
        assertions = frozenset(node for node in layers.nodes if node.kind == "ASSERTION")
        outputs, checks = frozenset(layers.outputs), set(assertions)
        todo = list(assertions)
        while todo:
            for used in todo.pop().inputs:
                source = producer.get(used) if used is not None else None
                if source is None or source in checks or source.kind in LOOP_KINDS | CONDITIONAL_KINDS:
                    continue
                if outputs.isdisjoint(source.outputs) and checks.issuperset(
                    user for value in source.outputs for user in users[value]
                ):
                    checks.add(source)
                    todo.append(source)
        return cls(producer, dict(users), outputs, assertions, frozenset(checks))


def needed_layers(layers: Layers) -> Layers:
    """Only the layers that an output or an assertion needs.

    TensorRT drops all others, and nobody could say where those belong that use what a branch has.
    """
    together = {node: nodes for nodes in _boundaries(layers) for node in nodes}
    producer = {value: node for node in layers.nodes for value in node.outputs}
    kept = {node for node in layers.nodes if node.kind == "ASSERTION"}
    todo = [*layers.outputs, *(value for node in kept for value in node.inputs)]
    while todo:
        value = todo.pop()
        node = producer.get(value) if value is not None else None
        for one in together.get(node, (node,)) if node is not None else ():
            if one not in kept:
                kept.add(one)
                todo.extend(one.inputs)
    return replace(layers, nodes=tuple(node for node in layers.nodes if node in kept))


def _boundaries(layers: Layers) -> list[list[Node]]:
    """The boundary layers of each loop and conditional."""
    grouped: dict[int, list[Node]] = {}
    owners = []  # a wrapper's id identifies its loop or conditional only while the wrapper is referenced
    for node in layers.nodes:
        if node.kind in LOOP_KINDS or node.kind in CONDITIONAL_KINDS:
            owner = node.layer.loop if node.kind in LOOP_KINDS else node.layer.conditional
            owners.append(owner)
            grouped.setdefault(id(owner), []).append(node)
    return list(grouped.values())


def find_scopes(layers: Layers, graph: Graph) -> list[Scope]:
    """Every loop and conditional of the network, with its members."""
    scopes = [Scope(nodes[0].kind in LOOP_KINDS, nodes) for nodes in _boundaries(layers)]
    scope_of = {node: scope for scope in scopes for node in scope.boundary}
    loops = [scope for scope in scopes if scope.loop]
    for scope in loops:
        scope.branches = [_loop_body(scope, scope_of, graph)]
    for scope in scopes:
        if not scope.loop:
            scope.branches = _branches(scope, scope_of, loops, graph)
    _complete(loops, scopes)
    return scopes


def _complete(loops: list[Scope], scopes: list[Scope]) -> None:
    """Add to each loop's body the layers that only a nested branch needs: no recurrence reaches its constants."""
    changed = True
    while changed:
        changed = False
        for loop in loops:
            body = loop.branches[0]
            for inner in scopes:
                if inner is not loop and body.issuperset(inner.boundary) and not body.issuperset(inner.members):
                    body |= inner.members
                    changed = True


def _loop_body(scope: Scope, scope_of: dict[Node, Scope], graph: Graph) -> set[Node]:
    """The layers that the recurrences and iterators reach; a nested scope is reached as a whole."""
    own = set(scope.boundary)
    body: set[Node] = set()
    todo = [value for node in scope.boundary if node.kind in ("RECURRENCE", "ITERATOR") for value in node.outputs]
    while todo:
        for user in graph.users.get(todo.pop(), ()):
            if user in own or user in body:
                continue
            for node in scope_of[user].boundary if user in scope_of else (user,):
                body.add(node)
                todo.extend(node.outputs)
    return body


def _branches(scope: Scope, scope_of: dict[Node, Scope], loops: list[Scope], graph: Graph) -> list[set[Node]]:
    """The layers that only one side of a conditional needs, for each side, and the assertions on those layers.

    An assertion that depends on nothing but the conditional's inputs is on both sides.
    """
    own, ends = set(scope.boundary), set(scope.of_kind("CONDITIONAL_OUTPUT"))
    needed = [_needed([end.required(i) for end in ends], own, scope_of, graph) for i in (0, 1)]
    unshared = partial(_unshared, ends=ends, own=own, scope_of=scope_of, loops=loops, graph=graph)
    computed = [unshared(set(needed[i]), i, ignored=graph.checks) for i in (0, 1)]
    for assertion in graph.assertions:
        checked = {assertion} | _needed([assertion.required(0)], own, scope_of, graph)
        sides = [i for i in (0, 1) if checked & computed[i]]
        if not sides and any(graph.producer.get(v) in own - ends for node in checked for v in node.inputs if v):
            sides = [0, 1]
        for i in sides:
            needed[i] |= checked
    return [unshared(needed[i], i) for i in (0, 1)]


def _needed(values: list[Value], own: set[Node], scope_of: dict[Node, Scope], graph: Graph) -> set[Node]:
    """The layers that ``values`` are computed from, up to the conditional's own boundary."""
    needed: set[Node] = set()
    todo = list(values)
    while todo:
        producer = graph.producer.get(todo.pop())
        if producer is not None and producer not in own and producer not in needed:
            for node in scope_of[producer].boundary if producer in scope_of else (producer,):
                needed.add(node)
                todo.extend(value for value in node.inputs if value is not None)
    return needed


def _unshared(
    needed: set[Node],
    index: int,
    ends: set[Node],
    own: set[Node],
    scope_of: dict[Node, Scope],
    loops: list[Scope],
    graph: Graph,
    ignored: frozenset[Node] = frozenset(),
) -> set[Node]:
    """``needed`` without the layers that others use, ``ignored`` ones aside; nested scopes stay or go as a whole."""
    atoms = [set(other.boundary) for other in scope_of.values()]
    enclosing = [loop for loop in loops if own & loop.branches[0]]
    atoms += [loop.members - ignored for loop in loops if loop not in enclosing]
    while True:
        outside = {node for node in needed if not _contained(node, needed | ignored, ends, index, graph)}
        for atom in atoms:
            if atom & outside or not atom <= needed:
                outside |= atom & needed
        if not outside:
            return needed
        needed -= outside


def _contained(node: Node, inside: set[Node], ends: set[Node], index: int, graph: Graph) -> bool:
    """Whether only layers in ``inside`` and this branch's results use the layer."""
    for value in node.outputs:
        if value in graph.outputs:
            return False
        for user in graph.users.get(value, ()):
            if user in ends and user.required(index) is value and user.required(1 - index) is not value:
                continue
            if user not in inside:
                return False
    return True


def outermost(scopes: Iterable[Scope], within: set[Node]) -> list[Scope]:
    """The scopes entirely inside ``within`` that are not nested in another such scope."""
    inside = [scope for scope in scopes if scope.members <= within]
    return [
        scope
        for scope in inside
        if not any(other is not scope and any(scope.members <= branch for branch in other.branches) for other in inside)
    ]
