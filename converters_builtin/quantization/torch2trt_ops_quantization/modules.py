"""Convolutions and linear layers that quantize what they compute with, and models that have them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

import torch

from .operators import RANGES, dequantize, quantize

#: convolutions that have their output channels second
_TRANSPOSED: Final = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)
#: the layers that are quantized
LAYERS: Final = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, *_TRANSPOSED, torch.nn.Linear)


def channel_axis(layer: torch.nn.Module) -> int:
    """The dimension of a layer's weights that has a scale for each place: that of its output channels.

    Groups of a transposed convolution share this dimension, and its input channels have the scales.
    """
    return 1 if isinstance(layer, _TRANSPOSED) and layer.groups == 1 else 0


class Quantized(torch.nn.Module):
    """A layer whose input and weights are quantized and back: one scale for the input, one for each output channel.

    Args:
        layer: the layer, which loses its weights.
        scale: of the input.
        scales: of the weights, one for each output channel.
        dtype: int8 or float8_e4m3fn.
    """

    codes: torch.Tensor
    _bits: torch.Tensor

    def __init__(self, layer: torch.nn.Module, scale: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        weight: Any = layer.weight
        along = [-1 if dim == channel_axis(layer) else 1 for dim in range(weight.dim())]
        scales = scales.to(torch.float32).reshape(along)
        self.layer: Any = layer
        self.scale, self.dtype, self._range = float(scale), dtype, RANGES[dtype]
        self.register_buffer("codes", quantize(weight.detach(), scales, *self._range, dtype))
        # precision=torch.float16 casts the floating-point buffers of a model
        self.register_buffer("_bits", scales.contiguous().view(torch.int32))
        del layer.weight
        layer.register_parameter("weight", None)

    @property
    def scales(self) -> torch.Tensor:
        """The scales of the weights, which broadcast to them."""
        return self._bits.view(torch.float32)

    @property
    def weight(self) -> torch.Tensor:
        """The weights as they are computed with, in float32."""
        return self._weight(torch.float32)

    @property
    def bias(self) -> Any:
        """The layer's own bias."""
        return self.layer.bias

    def forward(self, input: torch.Tensor, *more: Any) -> torch.Tensor:
        """What the layer computes of the quantized input."""
        given, weight, bias = self._there_and_back(input), self._weight(input.dtype), self.bias
        if isinstance(self.layer, torch.nn.Linear):
            return torch.nn.functional.linear(given, weight, bias)
        if not isinstance(self.layer, _TRANSPOSED):
            result: torch.Tensor = self.layer._conv_forward(given, weight, bias)
            return result
        state = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        output: torch.Tensor = torch.func.functional_call(self.layer, state, (given, *more))
        return output

    def keep_floats(self) -> Quantized:
        """Hold the weights as floats too, for ONNX, which knows none of the pack's operators; the layer itself."""
        self.layer.weight = torch.nn.Parameter(self.weight, requires_grad=False)
        return self

    def _weight(self, dtype: torch.dtype) -> torch.Tensor:
        if torch.onnx.is_in_onnx_export() and self.layer.weight is not None:
            weight: torch.Tensor = self.layer.weight
            return weight
        numbers: torch.Tensor = dequantize(self.codes, self.scales, None, dtype)
        return numbers

    def _there_and_back(self, input: torch.Tensor) -> torch.Tensor:
        if torch.onnx.is_in_onnx_export():
            return torch.fake_quantize_per_tensor_affine(input, self.scale, 0, *self._range)
        scale = torch.full((), self.scale, device=input.device, dtype=torch.float32)
        codes = quantize(input, scale, *self._range, self.dtype)
        numbers: torch.Tensor = dequantize(codes, scale, None, input.dtype)
        return numbers


def with_quantized(
    model: torch.nn.Module,
    scales: Mapping[str, torch.Tensor],
    weight_scales: Mapping[str, torch.Tensor],
    dtype: torch.dtype,
) -> torch.nn.Module:
    """A copy of a model in which some layers are :class:`Quantized`; the model stays as it is.

    Args:
        model: the model.
        scales: the scale of the input of each of these layers, by path.
        weight_scales: those of their weights, one for each output channel.
        dtype: int8 or float8_e4m3fn.
    """
    copied = copy.deepcopy(model)
    # several paths may be one layer
    made: dict[int, Quantized] = {}
    for path, scale in scales.items():
        layer = copied.get_submodule(path)
        made[id(layer)] = Quantized(layer, scale, weight_scales[path], dtype)
    for parent in list(copied.modules()):
        for name, child in list(parent._modules.items()):
            if id(child) in made and not isinstance(parent, Quantized):
                parent._modules[name] = made[id(child)]
    result: torch.nn.Module = made.get(id(copied), copied)
    return result.train(model.training)


def call(model: torch.nn.Module, item: Any) -> Any:
    """What a model makes of the inputs of a call: a tensor, a sequence of positional or a mapping of keyword ones."""
    if isinstance(item, Mapping):
        return model(**item)
    return model(*((item,) if isinstance(item, torch.Tensor) else item))
