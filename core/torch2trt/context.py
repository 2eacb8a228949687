"""What a converter works with: the network, the call, and its arguments as TensorRT values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from typing_extensions import TypeIs

from ._trt import trt
from .call import Call, summarise
from .dtypes import to_torch, to_trt
from .errors import ConversionError
from .settings import Settings


def is_runtime(value: Any) -> TypeIs[trt.ITensor]:
    """Whether ``value`` is known only when the engine runs."""
    return isinstance(value, trt.ITensor)


class Constants:
    """The constants of one network: each tensor becomes one layer, and its memory lives until the build is done."""

    def __init__(self, network: trt.INetworkDefinition) -> None:
        self._network = network
        self._keep: Final[list[torch.Tensor]] = []
        self._layers: Final[dict[Any, trt.ITensor]] = {}

    def weights(self, value: torch.Tensor) -> trt.Weights:
        """TensorRT's view of a tensor's memory, without a copy where it is dense and on the CPU."""
        tensor = value.detach().cpu().contiguous()
        self._keep.append(tensor)
        if tensor.numel() == 0:
            return trt.Weights(to_trt(tensor.dtype))
        return trt.Weights(to_trt(tensor.dtype), tensor.data_ptr(), tensor.numel())

    def tensor(self, value: torch.Tensor) -> trt.ITensor:
        """A constant layer's output."""
        key: Any = id(value)
        if value.numel() == 1:  # scalars repeat as values, not as objects
            key = (value.dtype, tuple(value.shape), str(value.item()))
        if key not in self._layers:
            self._keep.append(value)  # so that no other tensor gets this id
            self._layers[key] = self._network.add_constant(tuple(value.shape), self.weights(value)).get_output(0)
        return self._layers[key]


class Context:
    """The context of one call.  Everything else that converters need is a function in :mod:`torch2trt.lib`."""

    def __init__(
        self,
        network: trt.INetworkDefinition,
        constants: Constants,
        call: Call,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        settings: Settings,
    ) -> None:
        #: the network under construction; new layers are named ``module.path/target#n`` when the converter returns
        self.network = network
        #: the call, with FakeTensors
        self.call = call
        #: the call's arguments as values to convert
        self.args, self.kwargs = tuple(args), dict(kwargs)
        self.settings = settings
        self._constants = constants

    def const(self, value: Any) -> torch.Tensor:
        """``value`` as a constant tensor; :class:`ConversionError` where it is only known at run time."""
        if isinstance(value, torch.Tensor):
            return value
        if is_runtime(value):
            raise ConversionError("an argument that must be a constant is computed at run time")
        return torch.as_tensor(value)

    def weights(self, value: torch.Tensor) -> trt.Weights:
        """A constant as weights of a layer: dtypes are kept, memory is shared where it can be and kept alive."""
        return self._constants.weights(value)

    def tensor(self, value: Any, dtype: torch.dtype | None = None, ndim: int | None = None) -> trt.ITensor:
        """``value`` as a tensor of the network.

        Args:
            value: a runtime tensor, a constant or a Python number.
            dtype: cast to this dtype; by default a tensor keeps its own and a number gets PyTorch's default.
            ndim: prepend dimensions of size 1 up to this rank.
        """
        if not is_runtime(value):
            tensor = value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=dtype)
            tensor = tensor if dtype is None else tensor.to(dtype)
            if ndim is not None and tensor.dim() < ndim:
                tensor = tensor.reshape((1,) * (ndim - tensor.dim()) + tuple(tensor.shape))
            return self._constants.tensor(tensor)
        runtime: trt.ITensor = value
        if dtype is not None and runtime.dtype != to_trt(dtype):
            runtime = self.network.add_cast(runtime, to_trt(dtype)).get_output(0)
        if ndim is not None and (missing := ndim - len(runtime.shape)) > 0:
            axes = self._constants.tensor(torch.arange(missing))
            runtime = self.network.add_unsqueeze(runtime, axes).get_output(0)
        return runtime

    def shape(self, dims: Sequence[Any]) -> trt.ITensor:
        """Sizes as one int64 shape tensor of ``len(dims)`` elements; each is an ``int`` or a 0-d tensor."""
        if all(isinstance(dim, int) for dim in dims):
            return self._constants.tensor(torch.tensor(list(dims), dtype=torch.int64))
        parts = [self.tensor(dim, torch.int64, ndim=1) for dim in dims]
        layer = self.network.add_concatenation(parts)
        layer.axis = 0
        return layer.get_output(0)

    def describe_arguments(self) -> str:
        """The arguments in short, constants told from runtime tensors, for error messages."""
        parts = [_describe(value) for value in self.args]
        return ", ".join(parts + [f"{name}={_describe(value)}" for name, value in self.kwargs.items()])


def _describe(value: Any) -> str:
    if is_runtime(value):
        try:
            return f"{str(to_torch(value.dtype)).removeprefix('torch.')}{list(value.shape)}"
        except (ValueError, RuntimeError):
            return "a tensor without a valid shape"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_describe, value)) + "]"
    return summarise(value) + (" constant" if isinstance(value, torch.Tensor) else "")
