"""GRID_SAMPLE: nearest, linear and cubic, two or three spatial axes."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..errors import UnsupportedLayerError
from ..network import Node
from .base import Evaluator, Prepared, widened

_MODES = {"NEAREST": "nearest", "LINEAR": "bilinear", "CUBIC": "bicubic"}
_OUTSIDE = {"FILL": "zeros", "CLAMP": "border", "REFLECT": "reflection"}


def grid_sample(node: Node) -> Prepared:
    """Samples at the grid's coordinates, which span the input with -1 and 1; torch's operator has the same rules."""
    layer = node.layer
    mode, outside = layer.interpolation_mode.name, layer.sample_mode.name
    rank = node.required(0).rank
    if outside not in _OUTSIDE or (mode == "CUBIC" and rank == 5):
        raise UnsupportedLayerError(f"{node}: no grid sample with {mode} and {outside} of a tensor of rank {rank}")
    align = bool(layer.align_corners)

    def evaluate(x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(x, grid, _MODES[mode], _OUTSIDE[outside], align)

    value = node.required(0)
    return Prepared(widened(evaluate, value.dtype), (value, node.required(1)))


EVALUATORS: dict[str, Evaluator] = {"GRID_SAMPLE": grid_sample}
