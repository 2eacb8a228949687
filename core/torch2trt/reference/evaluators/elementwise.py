"""ELEMENTWISE, UNARY and SELECT."""

from __future__ import annotations

import torch

from ..dtypes import EIGHT_BIT_FLOATS, REDUCED
from ..errors import UnsupportedLayerError
from ..layers import Node
from .base import Evaluator, Kernel, Prepared, as_bits, in_fp32, widened


def _integer_division(a: torch.Tensor, b: torch.Tensor, rounding: str) -> torch.Tensor:
    """Divide integers; DIV truncates like C, FLOOR_DIV floors.

    Division by zero is undefined in TensorRT; the result is -1 (all bits set), as on a GPU, instead of an exception.
    """
    zero = b == 0
    return torch.div(a, b.masked_fill(zero, 1), rounding_mode=rounding).masked_fill(zero, -1)


def _divide(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.div(a, b) if a.is_floating_point() else _integer_division(a, b, "trunc")


def _floor_divide(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    # floor of the rounded quotient, not Python's a // b, which differs if the quotient rounds up to an integer
    return torch.floor(torch.div(a, b)) if a.is_floating_point() else _integer_division(a, b, "floor")


def _power(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if a.is_floating_point():
        return torch.pow(a, b)
    # torch refuses negative integer exponents; 1 / a ** |b|, truncated, is nonzero only for a = 1 and a = -1
    inverse = torch.where(a == 1, 1, torch.where(a == -1, 1 - 2 * (b % 2), 0))
    return torch.where(b >= 0, torch.pow(a, b.clamp(min=0)), inverse.to(a.dtype))


def _maximum(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.where(a < b, b, a)


def _minimum(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.where(b < a, b, a)


#: by the name of the ``trt.ElementWiseOperation``.  In an engine MAX is ``a < b ? b : a`` and MIN ``b < a ? b : a``,
#: the first operand if either is NaN: max(NaN, 1) is NaN, max(1, NaN) is 1.  Comparisons with NaN are false.
_BINARY: dict[str, Kernel] = {
    "SUM": torch.add,
    "PROD": torch.mul,
    "MAX": _maximum,
    "MIN": _minimum,
    "SUB": torch.sub,
    "DIV": _divide,
    "POW": _power,
    "FLOOR_DIV": _floor_divide,
    "AND": torch.logical_and,
    "OR": torch.logical_or,
    "XOR": torch.logical_xor,
    "EQUAL": torch.eq,
    "GREATER": torch.gt,
    "LESS": torch.lt,
}


def elementwise(node: Node) -> Prepared:
    """``op(a, b)``; extents of 1 broadcast, and both operands have the same dtype."""
    operation = node.layer.op.name
    kernel = _BINARY.get(operation)
    if kernel is None:
        raise UnsupportedLayerError(f"{node}: no operation {operation}")
    first, second = node.required(0), node.required(1)
    if operation in ("FLOOR_DIV", "POW") and first.dtype in REDUCED:
        kernel = widened(kernel, first.dtype)  # one rounding, not one per operation
    if first.dtype in EIGHT_BIT_FLOATS:
        kernel = in_fp32(kernel, node.outputs[0].dtype)
    return Prepared(kernel, (first, second))


def _sign(x: torch.Tensor) -> torch.Tensor:
    sign = torch.sign(x)
    return torch.where(x.isnan(), x, sign) if x.is_floating_point() else sign


#: by the name of the ``trt.UnaryOperation``; ROUND is to nearest even, SIGN of NaN is NaN
_UNARY: dict[str, Kernel] = {
    "EXP": torch.exp,
    "LOG": torch.log,
    "SQRT": torch.sqrt,
    "RECIP": torch.reciprocal,
    "ABS": torch.abs,
    "NEG": torch.neg,
    "SIN": torch.sin,
    "COS": torch.cos,
    "TAN": torch.tan,
    "SINH": torch.sinh,
    "COSH": torch.cosh,
    "ASIN": torch.asin,
    "ACOS": torch.acos,
    "ATAN": torch.atan,
    "ASINH": torch.asinh,
    "ACOSH": torch.acosh,
    "ATANH": torch.atanh,
    "CEIL": torch.ceil,
    "FLOOR": torch.floor,
    "ERF": torch.erf,
    "NOT": torch.logical_not,
    "SIGN": _sign,
    "ROUND": torch.round,
    "ISINF": torch.isinf,
    "ISNAN": torch.isnan,
}


def unary(node: Node) -> Prepared:
    """``op(x)``."""
    operation = node.layer.op.name
    kernel = _UNARY.get(operation)
    if kernel is None:
        raise UnsupportedLayerError(f"{node}: no operation {operation}")
    value = node.required(0)
    if value.dtype in EIGHT_BIT_FLOATS or (value.dtype == torch.int8 and operation not in ("ABS", "NEG", "SIGN")):
        kernel = in_fp32(kernel, node.outputs[0].dtype)
    return Prepared(kernel, (value,))


def select(node: Node) -> Prepared:
    """``then`` where the condition holds, else ``otherwise``; all three broadcast."""
    then = node.required(1)
    return Prepared(as_bits(torch.where, then.dtype), (node.required(0), then, node.required(2)))


EVALUATORS: dict[str, Evaluator] = {"ELEMENTWISE": elementwise, "UNARY": unary, "SELECT": select}
