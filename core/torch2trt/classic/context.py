"""The context of a classic converter."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import torch

from .._trt import trt
from ..network.context import Context


class TensorMap(MutableMapping[Any, "trt.ITensor"]):
    """PyTorch tensors to TensorRT tensors, looked up by the tensor or by its hash."""

    def __init__(self) -> None:
        self._by_hash: dict[int, trt.ITensor] = {}

    def __getitem__(self, tensor: torch.Tensor | int) -> trt.ITensor:
        try:
            return self._by_hash[hash(tensor)]
        except KeyError:
            raise KeyError("this tensor is not one of the call's runtime tensors") from None

    def __setitem__(self, tensor: torch.Tensor | int, value: trt.ITensor) -> None:
        self._by_hash[hash(tensor)] = value

    def __delitem__(self, tensor: torch.Tensor | int) -> None:
        del self._by_hash[hash(tensor)]

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_hash)

    def __len__(self) -> int:
        return len(self._by_hash)


@dataclass(eq=False)
class ConversionContext:
    """What a classic converter gets: the network and the intercepted call.

    Runtime tensors in ``method_args``, ``method_kwargs`` and ``method_return`` are stand-ins with shape and dtype;
    modules, parameters and constants are the real ones.
    """

    network: trt.INetworkDefinition
    method_args: tuple[Any, ...]
    method_kwargs: dict[str, Any]
    method_return: Any
    method_str: str
    #: read for inputs, written for outputs
    trt_tensors: TensorMap = field(default_factory=TensorMap)
    #: the context of the new style: constants, weights and settings
    context: Context | None = None
