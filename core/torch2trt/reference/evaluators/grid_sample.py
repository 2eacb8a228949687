"""GRID_SAMPLE: nearest, linear and cubic, two or three spatial axes."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..errors import UnsupportedLayerError
from ..layers import Node
from .base import Evaluator, Prepared, widened

_MODES = {"NEAREST": "nearest", "LINEAR": "bilinear", "CUBIC": "bicubic"}
_PADDING_MODES = {"FILL": "zeros", "CLAMP": "border", "REFLECT": "reflection"}


def grid_sample(node: Node) -> Prepared:
    """Sample at the grid's coordinates, from -1 to 1 over the input; torch's operator has the same rules."""
    layer = node.layer
    mode, sample_mode = layer.interpolation_mode.name, layer.sample_mode.name
    rank = node.required(0).rank
    if sample_mode not in _PADDING_MODES or (mode == "CUBIC" and rank == 5):
        raise UnsupportedLayerError(f"{node}: no grid sample with {mode} and {sample_mode} of a tensor of rank {rank}")
    align = bool(layer.align_corners)

    def evaluate(x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(x, grid, _MODES[mode], _PADDING_MODES[sample_mode], align)

    value = node.required(0)
    return Prepared(widened(evaluate, value.dtype), (value, node.required(1)))


EVALUATORS: dict[str, Evaluator] = {"GRID_SAMPLE": grid_sample}
