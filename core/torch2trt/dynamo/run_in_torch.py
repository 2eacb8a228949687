"""``run_in_torch`` for one of several graphs, of which most entries mean another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from ..errors import FallbackWarning, InputError, warn
from ..plan.named_calls import calls_named
from ..plan.plan import Plan, make_plan
from ..settings import named


def replanned(plan: Plan, graph: torch.fx.Graph, entries: Sequence[Any]) -> Plan:
    """The plan of a graph with what PyTorch runs of it by the user's wish; a warning says what is not in this graph."""
    kept: list[Any] = []
    for entry in [one for given in entries for one in (_paths(graph, given) or [given])]:
        try:
            calls_named("run_in_torch", plan.program, [entry], {})
        except InputError as error:
            warn(f"in a graph of torch.compile, {error}", FallbackWarning)
        else:
            kept.append(entry)
    settings = replace(plan.settings, run_in_torch=kept)
    return make_plan(plan.program, plan.packs, settings, plan.finish) if kept else plan


def _paths(graph: torch.fx.Graph, entry: Any) -> list[str]:
    """The paths of the modules of a class, which Dynamo's nodes have beside them."""

    def means(kind: Any) -> bool:
        return issubclass(kind, entry) if isinstance(entry, type) else entry in (kind.__name__, named(kind))

    return [*dict.fromkeys(path for path, kind in _modules(graph) if path and isinstance(kind, type) and means(kind))]


def _modules(graph: torch.fx.Graph) -> Iterator[tuple[str, Any]]:
    for node in graph.nodes:
        yield from (node.meta.get("nn_module_stack") or {}).values()
