"""The helpers that classic converters call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from .._trt import trt
from ..errors import ConversionError
from .context import ConversionContext


def get_arg(ctx: ConversionContext, name: str, pos: int, default: Any) -> Any:
    """The argument ``name`` of the call, given by keyword or at position ``pos``."""
    if name in ctx.method_kwargs:
        return ctx.method_kwargs[name]
    return ctx.method_args[pos] if len(ctx.method_args) > pos else default


def trt_(network: trt.INetworkDefinition, *tensors: Any) -> Any:
    """The TensorRT tensors of PyTorch tensors and numbers, broadcast to one rank; one alone comes back alone."""
    broadcast = broadcast_trt_tensors(network, add_missing_trt_tensors(network, tensors), _rank(tensors))
    return broadcast[0] if len(broadcast) == 1 else tuple(broadcast)


def add_missing_trt_tensors(network: trt.INetworkDefinition, tensors: Sequence[Any]) -> list[trt.ITensor]:
    """The TensorRT tensor of each runtime tensor, a constant layer for each constant or number.

    Raises:
        ConversionError: a runtime tensor without a TensorRT tensor; it is never frozen into a constant.
    """
    dtype = next((t.dtype for t in tensors if isinstance(t, torch.Tensor)), None)
    trt_tensors: list[trt.ITensor] = []
    for tensor in tensors:
        known = getattr(tensor, "_trt", None)
        if known is None:
            if isinstance(tensor, FakeTensor):
                raise ConversionError(f"a runtime tensor of shape {tuple(tensor.shape)} has no TensorRT tensor")
            value = tensor if isinstance(tensor, torch.Tensor) else torch.tensor(tensor, dtype=dtype)
            array = value.detach().cpu().contiguous().numpy()
            known = network.add_constant(tuple(value.shape), array).get_output(0)
        trt_tensors.append(known)
    return trt_tensors


def broadcast_trt_tensors(
    network: trt.INetworkDefinition, tensors: Sequence[trt.ITensor], broadcast_ndim: int
) -> list[trt.ITensor]:
    """Prepend dimensions of size 1 up to a rank of ``broadcast_ndim``."""
    broadcast = []
    for tensor in tensors:
        missing = broadcast_ndim - len(tensor.shape)
        if missing > 0:
            layer = network.add_shuffle(tensor)
            if -1 in tuple(tensor.shape)[1:]:
                raise ConversionError(
                    "broadcast_trt_tensors cannot raise the rank of a tensor with several dynamic sizes"
                )
            layer.reshape_dims = (1,) * missing + tuple(tensor.shape)
            tensor = layer.get_output(0)
        broadcast.append(tensor)
    return broadcast


def torch_dim_to_trt_axes(dim: int | Sequence[int], ndim: int) -> int:
    """TensorRT's bit mask of PyTorch's dimensions."""
    return sum(1 << (d % ndim) for d in ((dim,) if isinstance(dim, int) else dim))


def _rank(tensors: Sequence[Any]) -> int:
    return max((t.dim() for t in tensors if isinstance(t, torch.Tensor)), default=0)
