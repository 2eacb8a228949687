"""Quantizers of NVIDIA's modelopt in the pack's own operators: their code branches on values, which has no trace."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import torch

from .operators import RANGES, dequantize, quantize

_MODULE: Final = "modelopt.torch.quantization.nn.modules.tensor_quantizer"
#: how modelopt writes float8_e4m3fn: bits of the exponent and of the mantissa
_E4M3: Final = (4, 3)


def rules() -> dict[Any, Callable[..., Any]]:
    """The rules by method; none where no program has imported modelopt, so no model is one of its."""
    module: Any = sys.modules.get(_MODULE)
    return {} if module is None else {module.TensorQuantizer._fake_quantize: fake_quantize}


def fake_quantize(quantizer: Any, inputs: torch.Tensor) -> Any:
    """What a quantizer computes; NotImplemented where it is asymmetric, of dynamic blocks, or of another dtype."""
    bits, blocks = quantizer._num_bits, getattr(quantizer, "block_sizes", None) or {}
    symmetric = getattr(quantizer, "bias", None) is None and not quantizer._unsigned
    dynamic_blocks = blocks.get("type", "static") == "dynamic" or quantizer.is_mx_format
    if quantizer.backend is not None or not symmetric or dynamic_blocks:
        return NotImplemented
    if bits == _E4M3:
        dtype, (low, high) = torch.float8_e4m3fn, RANGES[torch.float8_e4m3fn]
    elif isinstance(bits, int) and 2 <= bits <= 8:
        dtype, high = torch.int8, 2 ** (bits - 1) - 1
        low = -high if quantizer._narrow_range else -high - 1
    else:
        return NotImplemented
    # of nothing but zeros, modelopt makes zeros
    scale = (_amax(quantizer, inputs).to(torch.float32) / high).clamp(min=torch.finfo(torch.float32).tiny)
    return dequantize(quantize(inputs, scale, low, high, dtype), scale, None, inputs.dtype)


def _amax(quantizer: Any, inputs: torch.Tensor) -> torch.Tensor:
    """The largest magnitude, as calibrated or of these inputs; ``_get_amax`` reads it past the trace."""
    known = getattr(quantizer, "_amax", None)
    if isinstance(known, torch.Tensor):
        return known
    if quantizer._use_constant_amax:
        return torch.full((), torch.finfo(torch.float8_e4m3fn).max, device=inputs.device)
    utils: Any = sys.modules[_MODULE].quant_utils
    axes = utils.convert_quantization_axis_to_reduce_axis(inputs, quantizer._axis)
    largest: torch.Tensor = utils.reduce_amax(inputs, axis=axes, keepdims=True)
    return largest
