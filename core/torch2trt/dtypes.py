"""The one table between PyTorch's and TensorRT's dtypes."""

from __future__ import annotations

from typing import Final

import torch

from ._trt import trt
from .errors import ConversionError

_NAMES: Final[dict[torch.dtype, str]] = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.int64: "int64",
    torch.int32: "int32",
    torch.int8: "int8",
    torch.uint8: "uint8",
    torch.bool: "bool",
    torch.float8_e4m3fn: "fp8",
}

#: what a converted module casts at its calls: the network has the second in the place of the first
_CARRIERS: Final = {torch.float64: torch.float32, torch.int16: torch.int32, torch.uint16: torch.int32}

_CURES: Final[dict[torch.dtype, str]] = {
    torch.float64: "leave float64='float32', or convert the model and its inputs with .float()",
    torch.complex64: "this call has no rule for complex numbers; compute with torch.view_as_real in the model",
    torch.complex128: "use torch.complex64",
}


def carrier(dtype: torch.dtype, float64: str = "float32") -> torch.dtype:
    """The dtype in which a network takes and returns what is ``dtype`` outside; ``float64`` is the setting."""
    return dtype if float64 == "refuse" and dtype is torch.float64 else _CARRIERS.get(dtype, dtype)


def why_unsupported(dtype: torch.dtype) -> str | None:
    """Why TensorRT cannot hold ``dtype``, with the cure; None where it can."""
    if dtype in _NAMES:
        return None
    cure = _CURES.get(dtype, f"cast it to one of {', '.join(short_name(known) for known in _NAMES)}")
    return f"TensorRT has no {short_name(dtype)}; {cure}"


def to_trt(dtype: torch.dtype) -> trt.DataType:
    """TensorRT's dtype; :class:`ConversionError` with the cure where it has none."""
    if reason := why_unsupported(dtype):
        raise ConversionError(reason)
    known: trt.DataType = getattr(trt, _NAMES[dtype])
    return known


def to_torch(dtype: trt.DataType) -> torch.dtype:
    """PyTorch's dtype of a TensorRT dtype."""
    for torch_dtype, name in _NAMES.items():
        if getattr(trt, name) == dtype:
            return torch_dtype
    raise ConversionError(f"PyTorch has no dtype for TensorRT's {dtype}")


def short_name(dtype: torch.dtype) -> str:
    """``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")
