"""How torch holds the values of TensorRT's data types.

INT4 is held as one ``int8`` an element, FP4 as one ``float8_e4m3fn`` an element (it holds all sixteen values of e2m1
exactly): torch's own packed 4-bit types have no arithmetic, and packing would hide the shape.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from .errors import UnsupportedLayerError

#: by the name of the ``trt.DataType``, because an older TensorRT lacks some of the enum's members
TORCH_DTYPES: Final = {
    "FLOAT": torch.float32,
    "HALF": torch.float16,
    "BF16": torch.bfloat16,
    "INT64": torch.int64,
    "INT32": torch.int32,
    "INT8": torch.int8,
    "UINT8": torch.uint8,
    "BOOL": torch.bool,
    "FP8": torch.float8_e4m3fn,
    "INT4": torch.int8,
    "FP4": torch.float8_e4m3fn,
    "E8M0": torch.float8_e8m0fnu,
}

#: floating-point types in which an engine accumulates in fp32 and rounds once
REDUCED: Final = frozenset({torch.float16, torch.bfloat16})
#: types without arithmetic: converted on the way in and out
EIGHT_BIT_FLOATS: Final = frozenset({torch.float8_e4m3fn, torch.float8_e8m0fnu})

FP8_MAX: Final = 448.0
FP4_MAX: Final = 6.0


def torch_dtype(dtype: Any) -> torch.dtype:
    """The torch dtype that holds values of a ``trt.DataType``."""
    torch_type = TORCH_DTYPES.get(dtype.name)
    if torch_type is None:
        raise UnsupportedLayerError(f"no torch dtype holds TensorRT's {dtype.name}")
    return torch_type


def round_to_fp4(x: torch.Tensor) -> torch.Tensor:
    """Round floats to the nearest e2m1 value, ties to the even mantissa; values beyond 6, and NaN, become 6."""
    x = x.nan_to_num(nan=FP4_MAX)
    magnitude = x.abs().clamp(max=FP4_MAX)
    # e2m1 values are 0.5 apart below 2, 1 apart below 4 and 2 apart from there on; round() is to nearest even in each
    spacing = torch.where(magnitude < 2, 0.5, torch.where(magnitude < 4, 1.0, 2.0))
    return torch.copysign(torch.round(magnitude / spacing) * spacing, x)


def cast(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Convert as TensorRT does: float to integer truncates and saturates, float to fp8 saturates.

    NaN becomes 0, or the least value of int64, as in an engine: this is what a GPU's conversion instruction gives.
    """
    if x.dtype == dtype:
        return x
    if dtype == torch.float8_e4m3fn:
        return x.to(torch.float32).clamp(-FP8_MAX, FP8_MAX).to(dtype)
    if x.dtype in EIGHT_BIT_FLOATS:
        x = x.to(torch.float32)
    if dtype == torch.bool:
        return x != 0
    if x.is_floating_point() and not dtype.is_floating_point:
        return _float_to_integer(x, dtype)
    return x.to(dtype)


def _float_to_integer(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    info = torch.iinfo(dtype)
    nan_result = float(info.min) if dtype == torch.int64 else 0.0
    wide = x.to(torch.float64).nan_to_num(nan=nan_result, posinf=float(info.max), neginf=float(info.min)).trunc()
    # float64 cannot represent 2**63 - 1, so values that saturate to the maximum are filled in after the conversion
    too_large = wide >= float(info.max)
    return wide.clamp(min=float(info.min)).masked_fill(too_large, 0).to(dtype).masked_fill(too_large, info.max)
