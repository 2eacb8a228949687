"""PyTorch's decompositions, with every call that a converter takes kept whole."""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from ..errors import CaptureError, Torch2TRTError
from ..packs.choice import choose
from ..packs.loading import Packs
from ..program.values import READ
from .buffers import sharing
from .declined import came_back, mark, unmark, where_marked
from .faults import failed_assertion, fault_inside
from .intercept import Interception
from .kept import OPERATOR, run_original
from .read import Reader
from .rules import Table, run_rules

#: checks that export inserts: ranges are checked at every call, and dtypes while lowering
_ASSERTIONS: Final = (
    "aten._assert_async",
    "aten._assert_scalar",
    "aten._assert_tensor_metadata",
    "aten.sym_constrain_range",
    "aten.sym_constrain_range_for_size",
)


def decompose(exported: ExportedProgram, rules: Table, packs: Packs, interception: Interception) -> ExportedProgram:
    """The program in operators that converters take, as far as there are ``rules`` for all others.

    A rule is used where the operator has no converter, and for the very calls of others that all converters decline.
    What comes of those may be declined in turn, so this goes on until nothing is left to take apart.
    """
    rules = {overload: rule for overload, rule in rules.items() if isinstance(overload, torch._ops.OperatorBase)}
    may_stay = rules.keys() if packs.chooses_by_code else packs.registry.claimed("operator").keys()
    always: Table = {overload: rule for overload, rule in rules.items() if overload not in may_stay}
    sometimes: Table = {overload: rule for overload, rule in rules.items() if overload in may_stay}
    # a call that was kept whole may be declined when its parameters are known
    sometimes[OPERATOR] = run_original
    given = exported
    for reader in _graphs(given, interception):
        _drop_declined(reader.graph)
    try:
        while (declined := _mark_declined(exported, packs, interception, sometimes)) or exported is given:
            where_declined = {overload: where_marked(overload, sometimes[overload]) for overload in declined}
            exported = _decomposed(exported, {**always, **where_declined})
            for reader in _graphs(exported, interception):
                _drop_assertions(reader.graph)
    finally:  # the program may be the user's own
        for graph in _graphs(given, interception):
            for node in graph.nodes:
                unmark(node)
    return exported


def _decomposed(exported: ExportedProgram, rules: Table) -> ExportedProgram:
    try:
        with warnings.catch_warnings():
            # PyTorch 2.11 copies trees by a class that it deprecates
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
            return run_rules(exported, rules)
    except Torch2TRTError:
        raise
    except Exception as error:
        raise CaptureError(_explain(error, exported)) from error


def _explain(error: Exception, exported: ExportedProgram) -> str:
    text = str(error)
    if why := fault_inside(text):
        return why
    if "FunctionalTensor on its own" in text:
        return (
            "a function that torch.cond or a loop runs makes a tensor of Python's numbers, with torch.tensor, which "
            "PyTorch cannot decompose; make it outside of the function"
        )
    why = failed_assertion(error) or f"{type(error).__name__}: {text}"
    if shared := next(sharing(exported), None):  # PyTorch fails over such a buffer and does not say why
        why += f"; its {shared[0]!r} and {shared[1]!r} have memory in common, where a buffer is written; use .clone()"
    return f"PyTorch cannot take the exported model apart: {why}"


def _mark_declined(exported: ExportedProgram, packs: Packs, interception: Interception, rules: Table) -> set[Any]:
    """Mark the calls that have a rule and no converter that takes them; their operators."""
    declined = set()
    for graph in _graphs(exported, interception):
        for node in graph.nodes:
            reasons = None
            stays = node.target is OPERATOR and interception.stays(interception[str(node.args[2])])
            if node.target in rules and not came_back(node) and not stays:
                choice = choose(graph.call(node), packs)
                if choice.converter is None:
                    reasons = choice.declined
                    declined.add(node.target)
            mark(node, reasons)
    return declined


def _graphs(exported: ExportedProgram, interception: Interception) -> Iterator[Reader]:
    """The program's graph, and those that its calls run."""
    reader = Reader.of(exported, interception)
    return itertools.chain([reader], reader.subgraphs())


def _drop_declined(graph: torch.fx.Graph) -> None:
    """Erase the calls that were declined when they were traced, whose originals stand beside them.

    Where their sizes depend on data, export has assertions of these.
    """
    for node in graph.find_nodes(op="call_function", target=OPERATOR):
        comes = {node: None}
        for one in (todo := [node]):
            todo += [user for user in one.users if user not in comes]
            comes |= dict.fromkeys(one.users)
        if all(one is node or one.target is operator.getitem or _is_number(one) for one in comes):
            for one in sorted(comes, reverse=True):
                graph.erase_node(one)


def _is_number(node: torch.fx.Node) -> bool:
    """Whether a node is a size, what is made of sizes, or an assertion of it."""
    return _is_assertion(node) or isinstance(node.meta.get("val"), (torch.SymInt, torch.SymBool))


def _is_assertion(node: torch.fx.Node) -> bool:
    return node.op == "call_function" and str(node.target).rpartition(".")[0] in _ASSERTIONS


def _drop_assertions(graph: torch.fx.Graph) -> None:
    for node in reversed(graph.nodes):
        if _is_assertion(node) and not node.users:
            graph.erase_node(node)
    # what a number must be is known even where the trace made a constant of it
    # random numbers that nothing uses too: an attention counts as random, with or without dropout
    graph.eliminate_dead_code(lambda node: node.is_impure(impure_random=False) or node.target is READ)
