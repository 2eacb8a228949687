"""Holding what a converter returns against PyTorch's own result.

TensorRT hands back a layer even for impossible shapes; without this the blame would land many layers later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils import _pytree as pytree

from .._trt import trt
from ..dtypes import short_name, to_torch
from ..errors import ConversionError
from ..program.call import Call


def verify(returned: Any, call: Call) -> list[Any]:
    """The tensors that a converter returned for ``call``; :class:`ConversionError` where PyTorch returns others."""
    if returned is None:
        raise ConversionError("it returned nothing; return the output tensor, for example layer.get_output(0)")
    expected = call.results
    tensors: list[Any] = pytree.tree_leaves(returned)
    if len(tensors) != len(expected):
        raise ConversionError(f"it returned {len(tensors)} tensors, PyTorch returns {len(expected)}")
    for index, (tensor, want) in enumerate(zip(tensors, expected, strict=True)):
        if tensor is None and not call.uses(index) and len(expected) > 1:
            continue
        if reason := _why_different(tensor, want):
            which = f"result {index}: " if len(expected) > 1 else ""
            raise ConversionError(which + reason)
    return tensors


def _why_different(tensor: Any, want: Any) -> str | None:
    """How a returned tensor differs from PyTorch's result; None where it does not."""
    if not isinstance(want, (torch.Tensor, torch.SymInt)) or (type(tensor) is int and isinstance(want, torch.SymInt)):
        return None
    shape: tuple[Any, ...] = tuple(want.shape) if isinstance(want, torch.Tensor) else ()
    dtype = want.dtype if isinstance(want, torch.Tensor) else torch.int64
    if not isinstance(tensor, (trt.ITensor, torch.Tensor)) or isinstance(tensor, FakeTensor):
        cure = "; return layer.get_output(0)" if isinstance(tensor, trt.ILayer) else ""
        return f"it returned a {type(tensor).__name__}, not a trt.ITensor{cure}"
    try:
        returned_shape = tuple(tensor.shape)
    except (ValueError, RuntimeError):  # which of the two depends on where TensorRT noticed
        return f"TensorRT cannot infer the shape of what it returned, PyTorch gives {_shape(shape)}"
    returned_dtype = tensor.dtype if isinstance(tensor, torch.Tensor) else to_torch(tensor.dtype)
    if returned_dtype != dtype:
        return f"dtype {short_name(returned_dtype)}, PyTorch gives {short_name(dtype)}"
    fits = len(returned_shape) == len(shape) and all(
        a == b for a, b in zip(returned_shape, shape, strict=True) if isinstance(b, int) and a != -1
    )
    return None if fits else f"shape {_shape(returned_shape)}, PyTorch gives {_shape(shape)}"


def _shape(dims: Sequence[Any]) -> str:
    return f"({', '.join(map(str, dims))})"
