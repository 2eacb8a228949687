"""Tracing sizes that vary as sizes that may be anything, 0 and 1 included."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx.experimental import _config as symbolic_config
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols
from torch.utils import _pytree as pytree


def every_size() -> contextlib.AbstractContextManager[Any]:
    """Let PyTorch trace sizes without guards on whether they are 0 or 1."""
    config: Any = symbolic_config
    if not hasattr(config, "backed_size_oblivious"):
        return contextlib.nullcontext()  # it traces for sizes from 2 on, and says so in the ranges
    return config.patch(backed_size_oblivious=True)  # type: ignore[no-any-return]  # PyTorch does not type it


def has_lost_sizes(exported: ExportedProgram) -> bool:
    """Whether PyTorch no longer knows sizes in terms of those of the inputs, as 2.11 then does not after a slice.

    Nobody could say at which sizes of the inputs those are 0 or 1.
    """
    return any(
        isinstance(node.target, torch._ops.OpOverload)
        and node.target.namespace == "aten"
        and torch.Tag.dynamic_output_shape not in node.target.tags
        and bool(_unknown(node, torch.Tensor))
        and not any(_unknown(used, (torch.Tensor, torch.SymInt)) for used in node.all_input_nodes)
        for node in exported.graph.nodes
    )


def _unknown(node: torch.fx.Node, kind: Any) -> set[Any]:
    """The symbols of a node's values, or of their shapes, that stand for what only a run tells."""
    values = [value for value in pytree.tree_leaves(node.meta.get("val")) if isinstance(value, kind)]
    return set().union(*(free_unbacked_symbols(getattr(value, "shape", value)) for value in values))
