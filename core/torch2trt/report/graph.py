"""Where the calls of a program stand in a drawing: one level below what they take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: of a node, and from one to the next, in pixels
WIDTH: Final = 250
HEIGHT: Final = 40
_COLUMN: Final = WIDTH + 30
_LEVEL: Final = HEIGHT + 34
#: how far an edge bulges that passes by other nodes
_BULGE: Final = 18


@dataclass(frozen=True, slots=True)
class Node:
    """A call or an input at a place."""

    id: str
    title: str
    detail: str
    #: a call's action, or ``input``
    kind: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """What an SVG shows: boxes, and the paths between them."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[str, ...]


def drawing_of(inputs: Sequence[str], calls: Sequence[Mapping[str, Any]]) -> Drawing:
    """The drawing of a program.

    Args:
        inputs: the names of its inputs.
        calls: its calls in order, each with ``id``, ``target``, ``module``, ``action`` and, as ``takes``, the names
            of the values that it takes.
    """
    taken = {call["id"]: list(_taken(call)) for call in calls}
    levels: dict[str, int] = dict.fromkeys(inputs, 0)
    for name, takes in taken.items():
        levels[name] = 1 + max((levels.get(one, 0) for one in takes), default=0)
    rows: dict[int, list[str]] = defaultdict(list)
    for name, level in levels.items():
        rows[level].append(name)
    widest = max(map(len, rows.values()), default=1)
    places = {
        name: (_COLUMN * index + (widest - len(row)) * _COLUMN // 2 + 15, _LEVEL * level + 15)
        for level, row in rows.items()
        for index, name in enumerate(row)
    }
    nodes = [Node(name, name, "input", "input", *places[name]) for name in inputs]
    nodes += [Node(c["id"], c["target"], c["module"], c["action"], *places[c["id"]]) for c in calls]
    edges = [
        _path(places[one], places[name], levels[name] - levels[one])
        for name, takes in taken.items()
        for one in dict.fromkeys(takes)
        if one in places
    ]
    bulge = _BULGE * 12
    return Drawing(widest * _COLUMN + bulge, len(rows) * _LEVEL + 15, tuple(nodes), tuple(edges))


def _taken(call: Mapping[str, Any]) -> Iterator[str]:
    """The ids of what a call takes; what it takes of a subprogram's inputs comes through the call that runs it."""
    inside = call["id"].rpartition("/")[0]
    runner = inside.rpartition("/")[0]
    yield from ([runner] if runner else [])
    for one in call["takes"]:
        yield f"{inside}/{one}" if inside else one


def _path(start: tuple[int, int], end: tuple[int, int], levels: int) -> str:
    """Straight down to the next level, else around the nodes between the two."""
    if levels == 1:
        x1, y1, x2, y2 = start[0] + WIDTH // 2, start[1] + HEIGHT, end[0] + WIDTH // 2, end[1]
        middle = (y1 + y2) // 2
        return f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0] + WIDTH, end[1] + HEIGHT // 2
    side = max(x1, x2) + _BULGE * min(levels, 12)
    return f"M{x1} {y1}C{side} {y1} {side} {y2} {x2} {y2}"
