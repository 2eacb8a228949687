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
            known = add_trt_constant(network, value)
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


def torch_dim_to_trt_axes(dim: int | Sequence[int], ndim: int | None = None) -> int:
    """TensorRT's bit mask of PyTorch's dimensions.

    Args:
        dim: one or several dimensions.
        ndim: the rank, for dimensions that count from the end.
    """
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if ndim is None and min(dims, default=0) < 0:
        raise ConversionError(f"dimension {min(dims)} counts from the end; give torch_dim_to_trt_axes the rank too")
    return sum(1 << (d if ndim is None else d % ndim) for d in dict.fromkeys(dims))


def torch_dim_resolve_negative(dim: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Dimensions that count from the beginning."""
    return tuple(d + ndim if d < 0 else d for d in ((dim,) if isinstance(dim, int) else dim))


def check_torch_dtype(*tensors: Any) -> torch.dtype:
    """The dtype that all tensors among the values have; :class:`ConversionError` where they have several or none."""
    dtypes = {tensor.dtype for tensor in tensors if isinstance(tensor, torch.Tensor)}
    if len(dtypes) != 1:
        raise ConversionError(f"the tensors have the dtypes {', '.join(sorted(map(str, dtypes))) or 'of no tensor'}")
    return dtypes.pop()


def add_trt_constant(network: trt.INetworkDefinition, tensor: torch.Tensor) -> trt.ITensor:
    """A constant layer of a tensor."""
    array = tensor.detach().cpu().contiguous().numpy()
    return network.add_constant(tuple(tensor.shape), array).get_output(0)


def set_layer_precision(ctx: ConversionContext, layer: trt.ILayer) -> None:
    """Does nothing: in a strongly typed network a layer computes in the dtypes of its inputs."""


def _rank(tensors: Sequence[Any]) -> int:
    return max((t.dim() for t in tensors if isinstance(t, torch.Tensor)), default=0)
