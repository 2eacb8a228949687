"""Plugins that are written in Python and say themselves what they compute."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import UnsupportedLayerError
from ..layers import Node
from .base import Evaluator, Prepared


def plugin(node: Node) -> Prepared:
    """What the plugin's own ``evaluate(*tensors)`` returns: one tensor for each output."""
    evaluate = getattr(node.layer.plugin, "evaluate", None)
    if evaluate is None:
        raise UnsupportedLayerError(f"{node}: a plugin without a method evaluate(*tensors) runs in engines alone")

    def kernel(*tensors: torch.Tensor) -> Any:
        results = tuple(evaluate(*tensors))
        return results[0] if len(results) == 1 else results

    return Prepared(kernel, node.inputs)


EVALUATORS: dict[str, Evaluator] = {"PLUGIN_V3": plugin}
