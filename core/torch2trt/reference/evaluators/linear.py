"""MATRIX_MULTIPLY, EINSUM and SCALE."""

from __future__ import annotations

import torch

from .. import weights
from ..layers import Node
from .base import Evaluator, Kernel, Prepared, widened


def matrix_multiply(node: Node) -> Prepared:
    """``op0(a) @ op1(b)`` with broadcast of the leading axes; a VECTOR operand is a collection of vectors."""
    first, second = node.layer.op0.name, node.layer.op1.name

    def plain(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.matmul(a.mT if first == "TRANSPOSE" else a, b.mT if second == "TRANSPOSE" else b)

    def with_vectors(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        left = a.unsqueeze(-2) if first == "VECTOR" else a
        right = b.unsqueeze(-1) if second == "VECTOR" else b
        product = plain(left, right)
        if second == "VECTOR":
            product = product.squeeze(-1)
        if first == "VECTOR":
            product = product.squeeze(-1 if second == "VECTOR" else -2)
        return product

    value = node.required(0)
    kernel: Kernel = with_vectors if "VECTOR" in (first, second) else plain
    return Prepared(widened(kernel, value.dtype, on_cuda=False), (value, node.required(1)))


def einsum(node: Node) -> Prepared:
    """Sum products over the labels that are absent from the output."""
    equation = node.layer.equation.replace(" ", "")

    def evaluate(*operands: torch.Tensor) -> torch.Tensor:
        return torch.einsum(equation, *operands)

    values = tuple(node.required(i) for i in range(len(node.inputs)))
    return Prepared(widened(evaluate, values[0].dtype), values)


def scale(node: Node) -> Prepared:
    """``(x * scale + shift) ** power`` with coefficients per tensor, per channel or per element."""
    layer = node.layer
    value = node.required(0)
    mode, rank = layer.mode.name, value.rank
    if mode == "UNIFORM":
        shape: tuple[int, ...] = ()
    elif mode == "CHANNEL":
        shape = (-1, *(1,) * (rank - 1 - layer.channel_axis))
    else:
        shape = (value.shape or (-1,))[layer.channel_axis :]
    factor, shift, power = (weights.optional(w, shape) for w in (layer.scale, layer.shift, layer.power))

    def evaluate(
        x: torch.Tensor, factor: torch.Tensor | None, shift: torch.Tensor | None, power: torch.Tensor | None
    ) -> torch.Tensor:
        if factor is not None and shift is not None:
            x = (x * factor).add_(shift)  # on the CPU four times as fast as addcmul
        elif factor is not None:
            x = x * factor
        elif shift is not None:
            x = x + shift
        return x if power is None else torch.pow(x, power)

    return Prepared(widened(evaluate, value.dtype), (value, factor, shift, power))


EVALUATORS: dict[str, Evaluator] = {"MATRIX_MULTIPLY": matrix_multiply, "EINSUM": einsum, "SCALE": scale}
