"""QUANTIZE, DEQUANTIZE and DYNAMIC_QUANTIZE, a scale for the tensor, for each slice of an axis, or for each block."""

from __future__ import annotations

import torch

from ..dtypes import FP4_MAX, FP8_MAX, TORCH_DTYPES, cast, round_to_fp4
from ..errors import UnsupportedLayerError
from ..network import Node, Value
from .base import Evaluator, Prepared

_INTEGER_RANGES = {"INT8": (-128, 127), "UINT8": (0, 255), "INT4": (-8, 7)}


def _spread(coefficient: torch.Tensor, like: torch.Tensor, axis: int) -> torch.Tensor:
    """A scale or zero point so that it broadcasts to ``like``.

    One of the rank of the input gives one number a block: each of its extents divides that of the input, or is its
    ceiling.  One number is for everything, a vector for the slices of ``axis``.
    """
    values = coefficient
    if values.numel() == 1:
        return values.reshape(())
    if values.dim() == like.dim():
        return _blocks(values, like)
    return values.reshape([-1 if i == axis % like.dim() else 1 for i in range(like.dim())])


def _blocks(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    for axis, (have, want) in enumerate(zip(values.shape, like.shape, strict=True)):
        if have not in (1, want):
            values = values.repeat_interleave(-(-want // have), axis).narrow(axis, 0, want)
    return values


def _divided(x: torch.Tensor, scale: torch.Tensor, axis: int) -> torch.Tensor:
    if scale.dtype != x.dtype:  # powers of two, fp8 scales
        x, scale = x.float(), scale.float()
    if scale.dim() == x.dim() and scale.numel() > 1:
        return x / _spread(scale, x, axis)
    return x * _spread(scale.reciprocal(), x, axis)


def quantize(node: Node) -> Prepared:
    """``round(x / scale) + zero``, to nearest even, saturating.

    FP8 rounds to nearest even and saturates at 448, FP4 at 6.  The quotient is rounded to the input's type: x is
    multiplied by the rounded reciprocal of a scale of the tensor or of an axis, and divided by the scale of a block.
    """
    target, axis = node.layer.to_type.name, int(node.layer.axis)
    if target not in (*_INTEGER_RANGES, "FP8", "FP4"):
        raise UnsupportedLayerError(f"{node}: cannot quantize to {target}")

    def evaluate(x: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor | None) -> torch.Tensor:
        scaled = _divided(x, scale, axis).float()
        if target == "FP8":
            return cast(scaled, torch.float8_e4m3fn)
        if target == "FP4":
            return round_to_fp4(scaled).to(TORCH_DTYPES["FP4"])
        rounded = torch.round(scaled)
        if zero is not None:
            rounded = rounded + _spread(zero.float(), x, axis)
        least, greatest = _INTEGER_RANGES[target]
        return rounded.clamp(least, greatest).to(TORCH_DTYPES[target])

    return Prepared(evaluate, (node.required(0), node.required(1), node.input(2)))


def dequantize(node: Node) -> Prepared:
    """``(x - zero) * scale``, computed in fp32 and rounded once to the output's type."""
    target, axis = TORCH_DTYPES[node.layer.to_type.name], int(node.layer.axis)

    def evaluate(x: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor | None) -> torch.Tensor:
        values = x.float()
        if zero is not None:
            values = values - _spread(zero.float(), x, axis)
        return (values * _spread(scale.float(), x, axis)).to(target)

    return Prepared(evaluate, (node.required(0), node.required(1), node.input(2)))


def dynamic_quantize(node: Node) -> Prepared:
    """The quantized input and the scale of each block, made of the block's greatest magnitude.

    FP4 with FP8 scales: a scale is ``greatest / 6``, divided by the double-quantization scale (input 1) and rounded to
    fp8; the data are divided by the product of both.  FP8 with E8M0 scales: ``greatest / 448``, rounded up to a power
    of two.  A block of zeros has the scale 0 (1 for E8M0, which has no 0) and stays 0.
    """
    layer = node.layer
    value = node.required(0)
    block = _block_shape(layer, value)
    power_of_two = layer.scale_type.name == "E8M0"
    limit = FP4_MAX if layer.to_type.name == "FP4" else FP8_MAX

    def evaluate(x: torch.Tensor, double: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        values = x.float()
        greatest = _block_maximum(values.abs(), block)
        if power_of_two:
            exponent = torch.ceil(torch.log2(greatest / limit)).clamp(-127, 127)
            factor = torch.where(greatest > 0, torch.exp2(exponent), 1.0)
            stored = factor.to(TORCH_DTYPES["E8M0"])
        else:
            outer = torch.ones((), device=x.device) if double is None else double.float()
            stored = cast(greatest / limit / outer, TORCH_DTYPES["FP8"])
            factor = stored.float() * outer
        divisor = _blocks(factor, values)
        scaled = torch.where(divisor > 0, values / divisor, 0.0)
        rounded = round_to_fp4(scaled) if limit == FP4_MAX else scaled.clamp(-limit, limit)
        return rounded.to(torch.float8_e4m3fn), stored

    return Prepared(evaluate, (value, node.input(1)))


def _block_shape(layer: object, value: Value) -> tuple[int, ...]:
    axis, size = getattr(layer, "axis", -1), getattr(layer, "block_size", -1)
    shape = tuple(getattr(layer, "block_shape", ()) or ())
    if len(shape) == value.rank and any(extent > 0 for extent in shape):
        return shape
    return tuple(size if i == axis % value.rank else 1 for i in range(value.rank))


def _block_maximum(x: torch.Tensor, block: tuple[int, ...]) -> torch.Tensor:
    for axis, extent in enumerate(block):
        if extent != 1:
            size = x.shape[axis] if extent < 0 else extent
            x = x.reshape(*x.shape[:axis], -1, size, *x.shape[axis + 1 :]).amax(axis + 1)
    return x


EVALUATORS: dict[str, Evaluator] = {
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
    "DYNAMIC_QUANTIZE": dynamic_quantize,
}
