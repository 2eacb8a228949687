"""QUANTIZE, DEQUANTIZE and DYNAMIC_QUANTIZE with a scale per tensor, per slice of an axis, or per block."""

from __future__ import annotations

import torch

from ..dtypes import FP4_MAX, FP8_MAX, TORCH_DTYPES, cast, round_to_fp4
from ..errors import UnsupportedLayerError
from ..layers import Node, Value
from .base import Evaluator, Prepared

_INTEGER_RANGES = {"INT8": (-128, 127), "UINT8": (0, 255), "INT4": (-8, 7)}


def _expanded(values: torch.Tensor, like: torch.Tensor, axis: int) -> torch.Tensor:
    """A scale or zero point in a shape that broadcasts to ``like``.

    A single number is for the whole tensor, a vector for the slices of ``axis``.  A tensor of the rank of ``like`` has
    one number per block; the last block along an axis may be smaller than the others.
    """
    if values.numel() == 1:
        return values.reshape(())
    if values.dim() == like.dim():
        return _blocks(values, like)
    return values.reshape([-1 if i == axis % like.dim() else 1 for i in range(like.dim())])


def _blocks(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    for axis, (count, extent) in enumerate(zip(values.shape, like.shape, strict=True)):
        if count not in (1, extent):
            values = values.repeat_interleave(-(-extent // count), axis).narrow(axis, 0, extent)
    return values


def _divided(x: torch.Tensor, scale: torch.Tensor, axis: int) -> torch.Tensor:
    if scale.dtype != x.dtype:  # E8M0 and FP8 scales
        x, scale = x.float(), scale.float()
    if scale.dim() == x.dim() and scale.numel() > 1:
        return x / _expanded(scale, x, axis)
    return x * _expanded(scale.reciprocal(), x, axis)


def quantize(node: Node) -> Prepared:
    """``round(x / scale) + zero``, rounded to nearest even, saturating; FP8 saturates at 448 and FP4 at 6.

    The quotient is rounded to the input's type.  For a scale per tensor or per slice it is the product with the rounded
    reciprocal of the scale, for a scale per block it is a division.
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
            rounded = rounded + _expanded(zero.float(), x, axis)
        least, greatest = _INTEGER_RANGES[target]
        return rounded.clamp(least, greatest).to(TORCH_DTYPES[target])

    return Prepared(evaluate, (node.required(0), node.required(1), node.input(2)))


def dequantize(node: Node) -> Prepared:
    """``(x - zero) * scale``, computed in fp32 and rounded once to the output's type."""
    target, axis = TORCH_DTYPES[node.layer.to_type.name], int(node.layer.axis)

    def evaluate(x: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor | None) -> torch.Tensor:
        values = x.float()
        if zero is not None:
            values = values - _expanded(zero.float(), x, axis)
        return (values * _expanded(scale.float(), x, axis)).to(target)

    return Prepared(evaluate, (node.required(0), node.required(1), node.input(2)))


def dynamic_quantize(node: Node) -> Prepared:
    """The quantized input and the scale of each block, computed from the block's greatest magnitude.

    FP4 with FP8 scales: a scale is ``greatest / 6``, divided by the double-quantization scale (input 1) and rounded to
    fp8; the data are divided by the product of both.  FP8 with E8M0 scales: a scale is ``greatest / 448``, rounded up
    to a power of two.  The scale of a block of zeros is 0 (1 for E8M0, which has no 0), and the block stays 0.
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
            scale = factor.to(TORCH_DTYPES["E8M0"])
        else:
            double_scale = torch.ones((), device=x.device) if double is None else double.float()
            scale = cast(greatest / limit / double_scale, TORCH_DTYPES["FP8"])
            factor = scale.float() * double_scale
        divisor = _blocks(factor, values)
        scaled = torch.where(divisor > 0, values / divisor, 0.0)
        rounded = round_to_fp4(scaled) if limit == FP4_MAX else scaled.clamp(-limit, limit)
        return rounded.to(torch.float8_e4m3fn), scale

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
