"""Casts that PyTorch's decompositions leave behind."""

from __future__ import annotations

from typing import Any

from torch2trt import Context, converter, trt
from torch2trt.lib import cast


@converter("prims.convert_element_type.default")
def convert_element_type(ctx: Context, input: trt.ITensor, dtype: Any) -> trt.ITensor:
    """convert_element_type(Tensor a, ScalarType dtype) -> Tensor"""
    return cast(ctx, input, dtype)
