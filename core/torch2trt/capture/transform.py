"""The graph hooks of packs, each held to what a captured graph must be before the next one sees it."""

from __future__ import annotations

from typing import Final

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import TensorArgument

from ..errors import PackError
from ..packs.loading import Packs
from ..settings import Settings
from .read import CONSTANTS, written

_HOOK: Final = "torch2trt_transform_graph"


def transform(exported: ExportedProgram, packs: Packs, settings: Settings) -> None:
    """Let every pack with the hook rewrite the graph in place; :class:`PackError` names one that breaks it."""
    module = exported.graph_module
    inputs = {node.name for node in module.graph.find_nodes(op="placeholder")}
    own = {spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind in CONSTANTS}
    constants = own - {spec.arg.name for spec in written(exported)}
    for node in module.graph.find_nodes(op="placeholder"):
        node.meta["constant"] = node.name in constants
    for pack in packs.implementers(_HOOK):
        packs.call_one(_HOOK, pack.name, graph_module=module, settings=settings)
        if reason := _why_broken(exported, inputs):
            raise PackError(f"pack {pack}: its hook {_HOOK} {reason}")


def _why_broken(exported: ExportedProgram, inputs: set[str]) -> str | None:
    graph = exported.graph_module.graph
    try:
        graph.lint()
    except Exception as error:
        return f"leaves a graph that is none: {error}"
    for node in graph.nodes:
        if not _may_stand(node, inputs):
            return f"adds {node.op} {node.name!r}; call operators (torch.ops) of the values that are there"
        if node.op == "call_function" and "val" not in node.meta:
            return (
                f"adds {node.name!r} ({node.target}) without meta['val'], the FakeTensor of its result; "
                "copy the meta of the node that it replaces, or call the operator on the arguments' meta['val']"
            )
    returned, specs = graph.output_node().args[0], exported.graph_signature.output_specs
    if not isinstance(returned, (tuple, list)) or len(returned) != len(specs):
        return f"changes how many values the program returns, which are {len(specs)}"
    for value, spec in zip(returned, specs, strict=True):
        if isinstance(spec.arg, TensorArgument) and not isinstance(value, torch.fx.Node):
            return f"returns {value!r} in the place of the tensor {spec.arg.name!r}"
    return None


def _may_stand(node: torch.fx.Node, inputs: set[str]) -> bool:
    """Whether a node is of a kind that captured graphs have: calls of operators, their inputs, and subgraphs."""
    if node.op == "get_attr":
        return isinstance(getattr(node.graph.owning_module, str(node.target), None), torch.fx.GraphModule)
    return node.op in ("call_function", "output") or (node.op == "placeholder" and node.name in inputs)
