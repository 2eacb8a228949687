"""ACTIVATION (every type) and PARAMETRIC_RELU."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional

from ..dtypes import EIGHT_BIT_FLOATS, cast
from ..errors import UnsupportedLayerError
from ..layers import Node
from .base import Evaluator, Kernel, Prepared, widened


def _clip(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    return torch.where(x.isnan(), low, torch.clamp(x, min=low, max=high))


def _gelu(x: torch.Tensor) -> torch.Tensor:
    # not functional.gelu, which gives NaN for infinity on some CPUs
    return 0.5 * x * (1 + torch.erf(x * math.sqrt(0.5)))


#: f(x, alpha, beta) by the name of the ``trt.ActivationType``.  In an engine CLIP of NaN is the lower limit, RELU and
#: SOFTPLUS of NaN are NaN, GELU_ERF of infinity is infinity and of minus infinity NaN.
_FORMULAS: dict[str, Callable[[torch.Tensor, float, float], torch.Tensor]] = {
    "SIGMOID": lambda x, a, b: torch.sigmoid(x),
    "TANH": lambda x, a, b: torch.tanh(x),
    "LEAKY_RELU": lambda x, a, b: functional.leaky_relu(x, a),
    "ELU": lambda x, a, b: functional.elu(x, a),
    "SELU": lambda x, a, b: torch.where(x > 0, b * x, b * a * torch.expm1(x)),
    "SOFTSIGN": lambda x, a, b: x / (1 + x.abs()),
    "SOFTPLUS": lambda x, a, b: a * functional.softplus(b * x),
    "CLIP": _clip,
    "HARD_SIGMOID": lambda x, a, b: torch.clamp(a * x + b, 0, 1),
    "SCALED_TANH": lambda x, a, b: a * torch.tanh(b * x),
    "THRESHOLDED_RELU": lambda x, a, b: torch.where(x > a, x, torch.zeros_like(x)),
    "GELU_ERF": lambda x, a, b: _gelu(x),
    "GELU_TANH": lambda x, a, b: functional.gelu(x, approximate="tanh"),
}


def activation(node: Node) -> Prepared:
    """``f(x)``, computed in fp32 for 16-bit floats; alpha and beta are fp32 numbers."""
    kind = node.layer.type.name
    value = node.required(0)
    if kind == "RELU":
        return Prepared(widened(torch.relu, value.dtype) if value.dtype in EIGHT_BIT_FLOATS else torch.relu, (value,))
    formula = _FORMULAS.get(kind)
    if formula is None:
        raise UnsupportedLayerError(f"{node}: no activation {kind}")
    alpha, beta = float(node.layer.alpha), float(node.layer.beta)
    if not value.dtype.is_floating_point:
        return Prepared(_in_integers(formula, alpha, beta, value.dtype), (value,))
    kernel = _bound(formula, alpha, beta)
    return Prepared(widened(kernel, value.dtype), (value,))


def _bound(formula: Callable[[torch.Tensor, float, float], torch.Tensor], alpha: float, beta: float) -> Kernel:
    return lambda x: formula(x, alpha, beta)


def _in_integers(
    formula: Callable[[torch.Tensor, float, float], torch.Tensor], alpha: float, beta: float, dtype: torch.dtype
) -> Kernel:
    # fp64 holds every int32 exactly, fp32 does not; a limit beyond the type saturates
    return lambda x: cast(formula(x.double(), alpha, beta), dtype)


def parametric_relu(node: Node) -> Prepared:
    """``slope * x`` where x is negative, else ``x``."""

    def evaluate(x: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        return torch.where(x < 0, x * slope, x)

    value = node.required(0)
    return Prepared(widened(evaluate, value.dtype), (value, node.required(1)))


EVALUATORS: dict[str, Evaluator] = {"ACTIVATION": activation, "PARAMETRIC_RELU": parametric_relu}
