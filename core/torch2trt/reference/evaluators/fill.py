"""FILL: evenly spaced numbers, and random ones."""

from __future__ import annotations

from typing import cast

import torch

from ..dtypes import torch_dtype
from ..errors import UnsupportedLayerError
from ..layers import Node
from .base import Evaluator, Prepared, dims_or_input, ints

_Number = torch.Tensor | float | int


def fill(node: Node) -> Prepared:
    """LINSPACE is ``alpha + sum of index * beta`` over the axes (one beta per axis), in the output's type.

    RANDOM_UNIFORM is in [alpha, beta), RANDOM_NORMAL has mean alpha and standard deviation beta.  Random numbers come
    from torch's global generator and agree with an engine's in distribution only.
    """
    layer = node.layer
    operation, dtype = layer.operation.name, torch_dtype(layer.to_type)
    static = tuple(None if node.input(i) else getattr(layer, name) for i, name in ((1, "alpha"), (2, "beta")))
    if operation not in ("LINSPACE", "RANDOM_UNIFORM", "RANDOM_NORMAL"):
        raise UnsupportedLayerError(f"{node}: no operation {operation}")

    def evaluate(
        shape: torch.Tensor | tuple[int, ...], alpha: torch.Tensor | None, beta: torch.Tensor | None
    ) -> torch.Tensor:
        extents = ints(shape)
        first = cast(_Number, static[0] if alpha is None else alpha)
        second = cast(_Number, static[1] if beta is None else beta)
        device = next((v.device for v in (alpha, beta) if v is not None), torch.device("cpu"))
        if operation == "LINSPACE":
            return _linspace(extents, first, second, dtype, device)
        if operation == "RANDOM_UNIFORM":
            return (torch.rand(extents, device=device) * (second - first) + first).to(dtype)
        return (torch.randn(extents, device=device) * second + first).to(dtype)

    return Prepared(evaluate, (dims_or_input(node, 0, "shape"), node.input(1), node.input(2)), control_from=0)


def _linspace(
    extents: list[int], alpha: _Number, beta: _Number, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    working = dtype if dtype.is_floating_point else torch.int64
    deltas = torch.as_tensor(beta, dtype=working, device=device).reshape(-1)
    total = torch.as_tensor(alpha, dtype=working, device=device).reshape(()).expand(extents)
    for axis, extent in enumerate(extents):
        index = torch.arange(extent, device=device).to(working)
        total = total + (index * deltas[axis]).reshape([extent if i == axis else 1 for i in range(len(extents))])
    return total.to(dtype)


EVALUATORS: dict[str, Evaluator] = {"FILL": fill}
