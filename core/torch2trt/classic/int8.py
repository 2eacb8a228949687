"""``int8_mode=True``: a copy of the module that quantizes what its convolutions and linear layers compute with.

TensorRT has no calibrators any more: an engine computes in int8 where the network quantizes.  Activations get one scale
for each layer, from what the layer gets for the items of a data set; weights get one for each output channel.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch
from torch.ao.quantization.fx import _decomposed as _decomposed  # registers the operators

from ..errors import InputError

_QUANTIZED: Final = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
_LOW: Final = -128
_HIGH: Final = 127


class Quantized(torch.nn.Module):
    """A convolution or linear layer whose input and weights are quantized to int8 and back.

    Args:
        layer: the layer.
        amax: the largest magnitude of its input that is not clamped.
    """

    weights: torch.Tensor
    scales: torch.Tensor
    zeros: torch.Tensor

    def __init__(self, layer: torch.nn.Module, amax: float) -> None:
        super().__init__()
        self.layer: Any = layer
        weight: Any = self.layer.weight
        smallest = torch.finfo(torch.float32).tiny
        scales = weight.detach().float().flatten(1).abs().amax(1).div(_HIGH).clamp(min=smallest)
        self.scale = max(amax / _HIGH, smallest)
        self.register_buffer("scales", scales)
        self.register_buffer("zeros", torch.zeros_like(scales, dtype=torch.int64))
        quantize = torch.ops.quantized_decomposed.quantize_per_channel
        codes = quantize(weight.detach().float(), scales, self.zeros, 0, _LOW, _HIGH, torch.int8)
        self.register_buffer("weights", codes)
        layer.weight = torch.nn.Parameter(self.weight.to(weight.dtype), requires_grad=False)

    @property
    def weight(self) -> torch.Tensor:
        """The weights as they are computed with."""
        if torch.onnx.is_in_onnx_export():  # which has no such operator, and layers of int8 kernels do not build
            own: torch.Tensor = self.layer.weight
            return own
        dequantize = torch.ops.quantized_decomposed.dequantize_per_channel
        weight: torch.Tensor = dequantize(self.weights, self.scales, self.zeros, 0, _LOW, _HIGH, torch.int8)
        return weight

    @property
    def bias(self) -> Any:
        """The layer's own bias."""
        return self.layer.bias

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """What the layer computes of the quantized input."""
        layer = self.layer
        given, weight = self._there_and_back(input), self.weight.to(input.dtype)
        if isinstance(layer, torch.nn.Linear):
            return torch.nn.functional.linear(given, weight, layer.bias)
        result: torch.Tensor = layer._conv_forward(given, weight, layer.bias)
        return result

    def _there_and_back(self, input: torch.Tensor) -> torch.Tensor:
        if torch.onnx.is_in_onnx_export():
            return torch.fake_quantize_per_tensor_affine(input, self.scale, 0, _LOW, _HIGH)
        how = (self.scale, 0, _LOW, _HIGH, torch.int8)
        codes = torch.ops.quantized_decomposed.quantize_per_tensor(input.float(), *how)
        back: torch.Tensor = torch.ops.quantized_decomposed.dequantize_per_tensor(codes, *how)
        return back.to(input.dtype)


def quantized(module: Any, inputs: Any, dataset: Any = None, algorithm: Any = None) -> torch.nn.Module:
    """A copy of a module that quantizes its convolutions and linear layers.

    Args:
        module: the module.
        inputs: its example inputs, which calibrate where there is no data set.
        dataset: a data set or a sequence of items, each the inputs of one call.
        algorithm: None or ``"minmax"`` takes the largest magnitude of all; a number, such as 99.9, the largest such
            percentile of the magnitudes of an item.

    Raises:
        InputError: nothing to quantize, no items, or an algorithm that is neither.
    """
    percentile, is_module = _percentile(algorithm), isinstance(module, torch.nn.Module)
    layers = [layer for layer in module.modules() if type(layer) in _QUANTIZED] if is_module else []
    if not layers:
        raise InputError("int8_mode=True finds no convolution and no linear layer in the module; leave it out")
    items = [inputs] if dataset is None else _items(dataset)
    largest = _calibrated(module, layers, items, percentile)
    if not largest:
        raise InputError("int8_calib_dataset has no items; insert the inputs of some calls")
    copied = copy.deepcopy(module)
    pairs = zip(module.modules(), copied.modules(), strict=True)
    made = {id(twin): Quantized(twin, largest[id(layer)]) for layer, twin in pairs if id(layer) in largest}
    for parent in list(copied.modules()):
        for name, child in parent.named_children():
            if id(child) in made:
                setattr(parent, name, made[id(child)])
    result: torch.nn.Module = made.get(id(copied), copied)
    return result.train(module.training)


def _calibrated(
    module: torch.nn.Module, layers: Iterable[torch.nn.Module], items: Iterable[Any], percentile: float | None
) -> dict[int, float]:
    """The largest magnitudes of the inputs of those layers that are called, by ``id``."""
    largest: dict[int, float] = {}

    def record(layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes = inputs[0].detach().abs().float().flatten()
        if sizes.numel():
            rank = max(round(sizes.numel() * percentile / 100), 1) if percentile else sizes.numel()
            amax = sizes.kthvalue(rank).values if percentile else sizes.max()
            largest[id(layer)] = max(largest.get(id(layer), 0.0), float(amax))

    handles = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        with torch.no_grad():
            for item in items:
                if isinstance(item, Mapping):
                    module(**item)
                else:
                    module(*((item,) if isinstance(item, torch.Tensor) else item))
    finally:
        for handle in handles:
            handle.remove()
    return largest


def _items(given: Any) -> Iterable[Any]:
    # data sets of PyTorch end by their length, not by an IndexError
    indexed = hasattr(given, "__len__") and hasattr(given, "__getitem__")
    return (given[index] for index in range(len(given))) if indexed else given


def _percentile(algorithm: Any) -> float | None:
    if algorithm is None or algorithm == "minmax":
        return None
    if isinstance(algorithm, (int, float)) and not isinstance(algorithm, bool) and 0 < algorithm <= 100:
        return float(algorithm)
    raise InputError(
        f"int8_calib_algorithm={algorithm!r}: TensorRT no longer has calibrators; leave it out for the largest "
        "magnitude, or give a percentile of the magnitudes, such as 99.9"
    )
