"""How torch holds the values of TensorRT's data types.

INT4 is held as one ``int8`` an element, FP4 as one ``float8_e4m3fn`` an element (it holds all sixteen values of e2m1
exactly): torch's own packed 4-bit types have no arithmetic, and packing would hide the shape.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from .errors import UnsupportedLayerError

#: by the name of the ``trt.DataType``, so that a type which an older TensorRT lacks costs nothing
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
    found = TORCH_DTYPES.get(dtype.name)
    if found is None:
        raise UnsupportedLayerError(f"no torch dtype holds TensorRT's {dtype.name}")
    return found


def round_to_fp4(x: torch.Tensor) -> torch.Tensor:
    """Float values rounded to the nearest of e2m1 (ties to the even mantissa), saturating at 6, as does NaN."""
    x = x.nan_to_num(nan=FP4_MAX)
    magnitude = x.abs().clamp(max=FP4_MAX)
    # the spacing of e2m1 is 0.5 below 2, 1 below 4 and 2 from there; round() is to nearest even in each of them
    step = torch.where(magnitude < 2, 0.5, torch.where(magnitude < 4, 1.0, 2.0))
    return torch.copysign(torch.round(magnitude / step) * step, x)


def cast(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Convert as TensorRT does: float to integer truncates and saturates, float to fp8 saturates.

    NaN becomes 0, but the least value in int64: so does a GPU's instruction, and an engine.
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
    of_nan = float(info.min) if dtype == torch.int64 else 0.0
    wide = x.to(torch.float64).nan_to_num(nan=of_nan, posinf=float(info.max), neginf=float(info.min)).trunc()
    # 2**63 - 1 is no float64: what clamps to it is set apart
    over = wide >= float(info.max)
    return wide.clamp(min=float(info.min)).masked_fill(over, 0).to(dtype).masked_fill(over, info.max)
