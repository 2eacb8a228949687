"""Elementwise verbs, with PyTorch's type promotion and broadcasting.

Each takes runtime tensors, constants and numbers, and an optional ``dtype`` that it computes in instead of the promoted
one.  ``elementwise``, ``unary`` and ``activation`` are the layers themselves, for families of converters.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

import torch

from .._trt import trt
from ..errors import ConversionError
from ..network.context import Context, is_runtime
from .values import Value, compute_dtype, dtype_of, ndim_of, opmath, result_type

_E, _U, _A = trt.ElementWiseOperation, trt.UnaryOperation, trt.ActivationType
_ON_BOOLS: Final = (_E.AND, _E.OR, _E.XOR)
_COMPARISONS: Final = (_E.EQUAL, _E.LESS, _E.GREATER)
#: PyTorch computes these with a number in float32 where the tensor is narrower, and rounds the number for all others
_EXACT_NUMBERS: Final = (_E.SUM, _E.SUB, _E.PROD, _E.DIV, _E.FLOOR_DIV)


class Binary(Protocol):
    """A verb of two operands."""

    def __call__(self, ctx: Context, input: Value, other: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
        """``input op other``, broadcast, computed in ``dtype``, by default the promoted dtype."""
        ...


class Comparison(Protocol):
    """A verb that compares two operands."""

    def __call__(self, ctx: Context, input: Value, other: Value) -> trt.ITensor:
        """A bool tensor, broadcast."""
        ...


class Unary(Protocol):
    """A verb of one operand."""

    def __call__(self, ctx: Context, input: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
        """The function of every element, computed in ``dtype``, by default the input's."""
        ...


def elementwise(
    ctx: Context, op: trt.ElementWiseOperation, input: Value, other: Value, dtype: torch.dtype | None = None
) -> trt.ITensor:
    """One elementwise layer (TensorRT's ``IElementWiseLayer``) on broadcast operands.

    Args:
        ctx: the context.
        op: the operation; comparisons give bools.
        input, other: runtime tensors, constants or numbers.
        dtype: what the operands are cast to and the result has; by default the promoted dtype.
    """
    dtype = dtype or result_type(input, other)
    ndim = max(ndim_of(input), ndim_of(other))
    operands = dtype if op in _ON_BOOLS else compute_dtype(dtype)
    if op in _EXACT_NUMBERS and any(_would_round(value, dtype) for value in (input, other)):
        operands = opmath(dtype)
    first, second = ctx.tensor(input, operands, ndim), ctx.tensor(other, operands, ndim)
    result = ctx.network.add_elementwise(first, second, op).get_output(0)
    return result if op in _COMPARISONS else ctx.tensor(result, dtype)


def _would_round(value: Value, dtype: torch.dtype) -> bool:
    """Whether a number (or a constant scalar) is none of a 16-bit ``dtype``: in float32, 0 * -1e9 is 0, not NaN."""
    if is_runtime(value) or ndim_of(value) or opmath(dtype) == dtype:
        return False
    number = float(value)
    return torch.tensor(number, dtype=dtype).item() != number == number


def _binary(name: str, op: trt.ElementWiseOperation) -> Binary:
    def verb(ctx: Context, input: Value, other: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
        return elementwise(ctx, op, input, other, dtype)

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input, other)``, computed in ``dtype``, by default the promoted dtype."
    return verb


add, sub, mul = _binary("add", _E.SUM), _binary("sub", _E.SUB), _binary("mul", _E.PROD)
floor_divide = _binary("floor_divide", _E.FLOOR_DIV)


def pow(ctx: Context, input: Value, exponent: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.pow(input, exponent)``; TensorRT computes it through a logarithm: NaN for a negative ``input``."""
    return elementwise(ctx, _E.POW, input, exponent, dtype)


def div(ctx: Context, input: Value, other: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.div(input, other)``: integers give PyTorch's default dtype; an integer ``dtype`` truncates."""
    if dtype is None and not (dtype := result_type(input, other)).is_floating_point:
        dtype = torch.get_default_dtype()
    return elementwise(ctx, _E.DIV, input, other, dtype)


def _extreme(name: str, op: trt.ElementWiseOperation) -> Binary:
    def verb(ctx: Context, input: Value, other: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
        dtype = dtype or result_type(input, other)
        result = elementwise(ctx, op, input, other, dtype)
        if not dtype.is_floating_point or not (is_runtime(other) or bool(torch.as_tensor(other).isnan().any())):
            return result
        # TensorRT gives the first operand where the second is NaN
        return where(ctx, isnan(ctx, other, dtype), other, result, dtype)

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input, other)``, NaN where either is."
    return verb


maximum, minimum = _extreme("maximum", _E.MAX), _extreme("minimum", _E.MIN)


def _comparison(name: str, op: trt.ElementWiseOperation) -> Comparison:
    def verb(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        return elementwise(ctx, op, input, other)

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input, other)``, a bool tensor."
    return verb


eq, lt, gt = _comparison("eq", _E.EQUAL), _comparison("lt", _E.LESS), _comparison("gt", _E.GREATER)


def ne(ctx: Context, input: Value, other: Value) -> trt.ITensor:
    """``torch.ne(input, other)``, a bool tensor."""
    return logical_not(ctx, eq(ctx, input, other))


def _or_equal(name: str, strict: Comparison, opposite: Comparison) -> Comparison:
    """TensorRT has no "or equal"."""

    def verb(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        if not result_type(input, other).is_floating_point:
            return logical_not(ctx, opposite(ctx, input, other))
        # the opposite of the other strict comparison would be true for NaN
        return logical_or(ctx, strict(ctx, input, other), eq(ctx, input, other))

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input, other)``, a bool tensor."
    return verb


le, ge = _or_equal("le", lt, gt), _or_equal("ge", gt, lt)


def _logical(name: str, op: trt.ElementWiseOperation) -> Comparison:
    def verb(ctx: Context, input: Value, other: Value) -> trt.ITensor:
        return elementwise(ctx, op, input, other, torch.bool)

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input, other)``, a bool tensor."
    return verb


logical_and, logical_or = _logical("logical_and", _E.AND), _logical("logical_or", _E.OR)
logical_xor = _logical("logical_xor", _E.XOR)


def where(ctx: Context, condition: Value, input: Value, other: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.where(condition, input, other)``."""
    dtype = dtype or result_type(input, other)
    ndim = max(ndim_of(condition), ndim_of(input), ndim_of(other))
    return ctx.network.add_select(
        ctx.tensor(condition, torch.bool, ndim), ctx.tensor(input, dtype, ndim), ctx.tensor(other, dtype, ndim)
    ).get_output(0)


def unary(ctx: Context, op: trt.UnaryOperation, input: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
    """One unary layer (TensorRT's ``IUnaryLayer``), computed in ``dtype``, by default the input's."""
    return ctx.network.add_unary(ctx.tensor(input, dtype), op).get_output(0)


def _unary(name: str, op: trt.UnaryOperation) -> Unary:
    def verb(ctx: Context, input: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
        return unary(ctx, op, input, dtype)

    verb.__name__ = verb.__qualname__ = name
    verb.__doc__ = f"``torch.{name}(input)``, computed in ``dtype``, by default the input's."
    return verb


abs, neg, reciprocal = _unary("abs", _U.ABS), _unary("neg", _U.NEG), _unary("reciprocal", _U.RECIP)
exp, log, sqrt, erf = _unary("exp", _U.EXP), _unary("log", _U.LOG), _unary("sqrt", _U.SQRT), _unary("erf", _U.ERF)
sin, cos, atan = _unary("sin", _U.SIN), _unary("cos", _U.COS), _unary("atan", _U.ATAN)
ceil, floor = _unary("ceil", _U.CEIL), _unary("floor", _U.FLOOR)
#: to the even one of two neighbors, as in PyTorch
round = _unary("round", _U.ROUND)
isnan, isinf = _unary("isnan", _U.ISNAN), _unary("isinf", _U.ISINF)


def rsqrt(ctx: Context, input: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.rsqrt(input)``, computed in ``dtype``, by default the input's."""
    return reciprocal(ctx, sqrt(ctx, input, dtype))


def sign(ctx: Context, input: Value, dtype: torch.dtype | None = None) -> trt.ITensor:
    """``torch.sign(input)``; NaN has the sign 0 in PyTorch, and NaN in TensorRT."""
    tensor = ctx.tensor(input, dtype)
    result = unary(ctx, _U.SIGN, tensor)
    return where(ctx, isnan(ctx, tensor), 0, result) if dtype_of(tensor).is_floating_point else result


def logical_not(ctx: Context, input: Value) -> trt.ITensor:
    """``torch.logical_not(input)``, a bool tensor."""
    return unary(ctx, _U.NOT, input, torch.bool)


def activation(
    ctx: Context, op: trt.ActivationType, input: Value, alpha: float | None = None, beta: float | None = None
) -> trt.ITensor:
    """One activation layer (TensorRT's ``IActivationLayer``) with its parameters, which must be finite."""
    if not all(math.isfinite(parameter or 0) for parameter in (alpha, beta)):
        raise ConversionError(f"TensorRT's {op.name} takes finite parameters, got {alpha} and {beta}")
    layer = ctx.network.add_activation(ctx.tensor(input), op)
    if alpha is not None:
        layer.alpha = alpha
    if beta is not None:
        layer.beta = beta
    return layer.get_output(0)


def relu(ctx: Context, input: Value) -> trt.ITensor:
    """``torch.relu(input)``."""
    return activation(ctx, _A.RELU, input)


def sigmoid(ctx: Context, input: Value) -> trt.ITensor:
    """``torch.sigmoid(input)``."""
    return activation(ctx, _A.SIGMOID, input)


def tanh(ctx: Context, input: Value) -> trt.ITensor:
    """``torch.tanh(input)``."""
    return activation(ctx, _A.TANH, input)
