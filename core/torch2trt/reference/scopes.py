"""Which layers belong to which loop or branch: TensorRT lists only the boundary layers of each.

A loop's body is what its recurrences and iterators reach without passing one of its outputs; a branch is what only
its output needs, and the assertions on that.  What depends on neither is evaluated once, outside.  Scopes nest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from .network import Network, Node, Value

LOOP_KINDS = frozenset({"TRIP_LIMIT", "RECURRENCE", "ITERATOR", "LOOP_OUTPUT"})
CONDITIONAL_KINDS = frozenset({"CONDITION", "CONDITIONAL_INPUT", "CONDITIONAL_OUTPUT"})


@dataclass(slots=True, eq=False)
class Scope:
    """A loop or a conditional: its boundary layers, and the layers inside it (of nested scopes too).

    ``branches`` are the (then, else) layer sets of a conditional; a loop has its body as the only branch.
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
    """Who makes and who uses each value; ``checks`` are the assertions and what only they need."""

    producer: dict[Value, Node]
    users: dict[Value, list[Node]]
    outputs: frozenset[Value]
    assertions: frozenset[Node]
    checks: frozenset[Node]

    @classmethod
    def of(cls, network: Network) -> Graph:
        """Index a network."""
        users: dict[Value, list[Node]] = defaultdict(list)
        producer = {}
        for node in network.nodes:
            for value in node.outputs:
                producer[value] = node
            for used in node.inputs:
                if used is not None:
                    users[used].append(node)
        assertions = frozenset(node for node in network.nodes if node.kind == "ASSERTION")
        outputs, checks = frozenset(network.outputs), set(assertions)
        todo = list(assertions)
        while todo:
            for used in todo.pop().inputs:
                maker = producer.get(used) if used is not None else None
                if maker is None or maker in checks or maker.kind in LOOP_KINDS | CONDITIONAL_KINDS:
                    continue
                if outputs.isdisjoint(maker.outputs) and checks.issuperset(u for v in maker.outputs for u in users[v]):
                    checks.add(maker)
                    todo.append(maker)
        return cls(producer, dict(users), outputs, assertions, frozenset(checks))


def find_scopes(network: Network, graph: Graph) -> list[Scope]:
    """Every loop and conditional of the network, with its members."""
    grouped: dict[int, Scope] = {}
    owners = []  # wrappers keep their identity only while they are referenced
    for node in network.nodes:
        if node.kind in LOOP_KINDS or node.kind in CONDITIONAL_KINDS:
            owner = node.layer.loop if node.kind in LOOP_KINDS else node.layer.conditional
            owners.append(owner)
            grouped.setdefault(id(owner), Scope(node.kind in LOOP_KINDS, [])).boundary.append(node)
    scopes = list(grouped.values())
    whole = {node: scope for scope in scopes for node in scope.boundary}
    loops = [scope for scope in scopes if scope.loop]
    for scope in loops:
        scope.branches = [_loop_body(scope, whole, graph)]
    for scope in scopes:
        if not scope.loop:
            scope.branches = _branches(scope, whole, loops, graph)
    _complete(loops, scopes)
    return scopes


def _complete(loops: list[Scope], scopes: list[Scope]) -> None:
    """Give each loop's body what only a branch inside it needs, constants for example, which no recurrence reaches."""
    changed = True
    while changed:
        changed = False
        for loop in loops:
            body = loop.branches[0]
            for inner in scopes:
                if inner is not loop and body.issuperset(inner.boundary) and not body.issuperset(inner.members):
                    body |= inner.members
                    changed = True


def _loop_body(scope: Scope, whole: dict[Node, Scope], graph: Graph) -> set[Node]:
    """What the recurrences and iterators reach; of another scope that they reach, all of it and what that reaches."""
    own = set(scope.boundary)
    found: set[Node] = set()
    todo = [value for node in scope.boundary if node.kind in ("RECURRENCE", "ITERATOR") for value in node.outputs]
    while todo:
        for user in graph.users.get(todo.pop(), ()):
            if user in own or user in found:
                continue
            for node in whole[user].boundary if user in whole else (user,):
                found.add(node)
                todo.extend(node.outputs)
    return found


def _branches(scope: Scope, whole: dict[Node, Scope], loops: list[Scope], graph: Graph) -> list[set[Node]]:
    """What each side of a conditional needs, less what anything else needs, with the assertions on what is left.

    An assertion on nothing but the conditional's inputs is on both sides.
    """
    own, ends = set(scope.boundary), set(scope.of_kind("CONDITIONAL_OUTPUT"))
    needed = [_needed([end.required(i) for end in ends], own, whole, graph) for i in (0, 1)]
    less = partial(_less_shared, ends=ends, own=own, whole=whole, loops=loops, graph=graph)
    computed = [less(set(needed[i]), i, ignored=graph.checks) for i in (0, 1)]
    for assertion in graph.assertions:
        checked = {assertion} | _needed([assertion.required(0)], own, whole, graph)
        sides = [i for i in (0, 1) if checked & computed[i]]
        if not sides and any(graph.producer.get(v) in own - ends for node in checked for v in node.inputs if v):
            sides = [0, 1]
        for i in sides:
            needed[i] |= checked
    return [less(needed[i], i) for i in (0, 1)]


def _needed(values: list[Value], own: set[Node], whole: dict[Node, Scope], graph: Graph) -> set[Node]:
    """What ``values`` are computed from, up to the conditional's own boundary."""
    found: set[Node] = set()
    todo = list(values)
    while todo:
        maker = graph.producer.get(todo.pop())
        if maker is not None and maker not in own and maker not in found:
            for node in whole[maker].boundary if maker in whole else (maker,):
                found.add(node)
                todo.extend(value for value in node.inputs if value is not None)
    return found


def _less_shared(
    found: set[Node],
    index: int,
    ends: set[Node],
    own: set[Node],
    whole: dict[Node, Scope],
    loops: list[Scope],
    graph: Graph,
    ignored: frozenset[Node] = frozenset(),
) -> set[Node]:
    """``found`` less what is used outside, but for the ``ignored``, and less scopes of which a part is less."""
    atoms = [set(other.boundary) for other in whole.values()]
    around = [loop for loop in loops if own & loop.branches[0]]
    atoms += [loop.members - ignored for loop in loops if loop not in around]
    while True:
        outside = {node for node in found if not _contained(node, found | ignored, ends, index, graph)}
        for atom in atoms:
            if atom & outside or not atom <= found:
                outside |= atom & found
        if not outside:
            return found
        found -= outside


def _contained(node: Node, found: set[Node], ends: set[Node], index: int, graph: Graph) -> bool:
    for value in node.outputs:
        if value in graph.outputs:
            return False
        for user in graph.users.get(value, ()):
            if user in ends and user.required(index) is value and user.required(1 - index) is not value:
                continue
            if user not in found:
                return False
    return True


def outermost(scopes: Iterable[Scope], within: set[Node]) -> list[Scope]:
    """The scopes wholly inside ``within`` that no other such scope holds."""
    inside = [scope for scope in scopes if scope.members <= within]
    return [
        scope
        for scope in inside
        if not any(other is not scope and any(scope.members <= branch for branch in other.branches) for other in inside)
    ]
