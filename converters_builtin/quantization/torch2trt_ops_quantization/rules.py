"""PyTorch's own arithmetic for quantized operators, as rules for the calls that no layer of TensorRT computes.

``quantized_decomposed`` is the namespace of what PT2E and torch.ao write into quantized models.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from typing import Any, Final

import torch

#: operators that PyTorch computes by a function of the same name, which can be traced
_BY_NAME: Final = (
    *("quantize_per_tensor", "dequantize_per_tensor", "quantize_per_channel", "dequantize_per_channel"),
    *("quantize_per_token", "dequantize_per_token", "quantize_per_channel_group", "dequantize_per_channel_group"),
)


def operators() -> Any:
    """The namespace of the operators; None where this PyTorch has none."""
    return None if _functions() is None else torch.ops.quantized_decomposed


def rules() -> dict[torch._ops.OpOverload, Callable[..., Any]]:
    """The rules by operator."""
    functions, namespace = _functions(), operators()
    if functions is None:
        return {}
    by_name = {
        getattr(namespace, name).default: getattr(functions, name)
        for name in _BY_NAME
        if hasattr(functions, name) and hasattr(namespace, name)
    }
    of_tensors = {
        namespace.quantize_per_tensor.tensor: _quantize_by_tensors,
        namespace.dequantize_per_tensor.tensor: _dequantize_by_tensors,
    }
    return {**by_name, **of_tensors}


def _functions() -> types.ModuleType | None:
    try:
        return importlib.import_module("torch.ao.quantization.fx._decomposed")
    except ImportError:  # a private module
        return None


def _quantize_by_tensors(
    input: torch.Tensor,
    scale: torch.Tensor,
    zero_point: torch.Tensor,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
) -> torch.Tensor:
    # PyTorch's own function reads the numbers, of which a trace knows nothing
    scaled = input.to(torch.float32) * (1.0 / scale.reshape(())).to(torch.float32)
    return torch.clamp(torch.round(scaled) + zero_point.reshape(()), quant_min, quant_max).to(dtype)


def _dequantize_by_tensors(
    input: torch.Tensor,
    scale: torch.Tensor,
    zero_point: torch.Tensor,
    quant_min: int,
    quant_max: int,
    dtype: torch.dtype,
    *,
    out_dtype: torch.dtype | None = None,
) -> torch.Tensor:
    # a number is multiplied in float32, and the product rounded once
    out_dtype = out_dtype or torch.float32
    values = input.to(out_dtype).to(torch.float32) - zero_point.reshape(())
    return (values * scale.reshape(()).to(torch.float32)).to(out_dtype)
