"""RESIZE: nearest, linear and cubic, separable over the axes.

Along each axis an output element is a weighted sum of a few input elements.  The coordinate transformations multiply by
the inverse scale: the inverse of the layer's scale, or the ratio of the extents if the layer has a shape instead.
Extents, inverse scales and coordinates are computed in fp32, as in an engine: at a scale of 0.6 the second output lies
at 2, not just below it, and 30 times 2.3 is 69.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..dtypes import cast
from ..layers import Node
from .base import Evaluator, Kernel, Prepared, as_bits, dims_or_input, ints, widened


@dataclass(frozen=True, slots=True)
class _Resize:
    mode: str
    transformation: str
    upper: bool
    rounding: str
    exclude_outside: bool
    cubic: float
    scales: tuple[float, ...]


def resize(node: Node) -> Prepared:
    """Resize to the shape of input 1, the static shape, or ``floor(extent * scale)`` in fp32."""
    layer = node.layer
    target = dims_or_input(node, 1, "shape")
    settings = _Resize(
        layer.resize_mode.name,
        layer.coordinate_transformation.name,
        layer.selector_for_single_pixel.name == "UPPER",
        layer.nearest_rounding.name,
        bool(layer.exclude_outside),
        float(layer.cubic_coeff),
        tuple(layer.scales) if target is None else (),
    )

    def evaluate(x: torch.Tensor, target: torch.Tensor | tuple[int, ...] | None) -> torch.Tensor:
        if target is None:
            extents = [int(_fp32(n) * s) for n, s in zip(x.shape, settings.scales, strict=True)]
            inverse_scales = [_quotient(1, scale) for scale in settings.scales]
        else:
            extents = ints(target)
            inverse_scales = [_quotient(old, new) if new else 1.0 for new, old in zip(extents, x.shape, strict=True)]
        for axis, (extent, inverse_scale) in enumerate(zip(extents, inverse_scales, strict=True)):
            if extent != x.shape[axis] or inverse_scale != 1.0:
                x = _along(x, axis, extent, inverse_scale, settings)
        return x

    value = node.required(0)
    if settings.mode == "NEAREST":
        kernel = as_bits(evaluate, value.dtype)
    elif value.dtype.is_floating_point:
        kernel = widened(evaluate, value.dtype)
    else:
        kernel = _of_integers(evaluate, value.dtype)
    return Prepared(kernel, (value, target), control_from=1)


def _of_integers(evaluate: Kernel, dtype: torch.dtype) -> Kernel:
    return lambda x, target: cast(torch.round(evaluate(x.float(), target)), dtype)


def _along(x: torch.Tensor, axis: int, extent: int, inverse_scale: float, settings: _Resize) -> torch.Tensor:
    length = x.shape[axis]
    position = _source(extent, length, inverse_scale, settings, x.device)
    if settings.mode == "NEAREST":
        return x.index_select(axis, _rounded(position, settings.rounding).clamp(0, length - 1).to(torch.int64))
    if settings.mode == "LINEAR":
        position = position.clamp(0, length - 1)  # the edge continues outside
    base = torch.floor(position)
    fraction = position - base
    if settings.mode == "LINEAR":
        taps = [(0, 1 - fraction), (1, fraction)]
    else:
        taps = [(offset, _cubic(offset - fraction, settings.cubic)) for offset in (-1, 0, 1, 2)]
    index = [(base + offset).to(torch.int64) for offset, _ in taps]
    weight = torch.stack([w for _, w in taps])
    if settings.exclude_outside:
        inside = torch.stack([(i >= 0) & (i < length) for i in index])
        weight = weight * inside
        weight = weight / weight.sum(0)
    shape = [extent if i == axis else 1 for i in range(x.dim())]
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    for i, w in zip(index, weight, strict=True):
        total = total + x.index_select(axis, i.clamp(0, length - 1)) * w.to(x.dtype).reshape(shape)
    return total


def _source(extent: int, length: int, inverse_scale: float, settings: _Resize, device: torch.device) -> torch.Tensor:
    """The coordinate in the input of each output element."""
    out = torch.arange(extent, dtype=torch.float32, device=device)
    if extent == 1 and settings.upper:
        return torch.zeros_like(out)
    if settings.transformation == "ALIGN_CORNERS":
        return out * _quotient(length - 1, extent - 1) if extent > 1 else torch.zeros_like(out)
    if settings.transformation == "ASYMMETRIC":
        return out * inverse_scale
    return (out + 0.5) * inverse_scale - 0.5


def _fp32(number: float) -> torch.Tensor:
    return torch.tensor(number, dtype=torch.float32)


def _quotient(numerator: float, denominator: float) -> float:
    return float(_fp32(numerator) / denominator)


def _rounded(position: torch.Tensor, rounding: str) -> torch.Tensor:
    if rounding == "FLOOR":
        return torch.floor(position)
    if rounding == "CEIL":
        return torch.ceil(position)
    return torch.floor(position + 0.5) if rounding == "HALF_UP" else torch.ceil(position - 0.5)


def _cubic(distance: torch.Tensor, a: float) -> torch.Tensor:
    """Keys' cubic convolution kernel."""
    d = distance.abs()
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))


EVALUATORS: dict[str, Evaluator] = {"RESIZE": resize}
