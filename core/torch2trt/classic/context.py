"""The context of a classic converter."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import torch

from .. import log
from .._trt import trt
from ..network.context import Context

_active: Final[ContextVar[ConversionContext | None]] = ContextVar("torch2trt_classic_context", default=None)


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


class BuilderConfig:
    """Stands for the builder configuration, which is made when all converters have run."""

    def get_flag(self, flag: Any) -> bool:
        """False: a strongly typed network has no flags of precision, and no other flag is set yet."""
        return False

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"ctx.builder_config.{name}: the network is built when all converters have run; change the builder's "
            "configuration in a pack's hook torch2trt_configure_build"
        )


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
    #: the arguments of the classic function ``torch2trt``, those that it does not know itself too
    torch2trt_kwargs: dict[str, Any] = field(default_factory=dict)
    #: answers ``get_flag``; a build is configured by the hook ``torch2trt_configure_build``
    builder_config: BuilderConfig = field(default_factory=BuilderConfig)

    @property
    def logger(self) -> trt.ILogger:
        """TensorRT's logger of this process."""
        return log.logger()

    def current_module_name(self) -> str:
        """The dotted path of the module that makes the call; of a call of a module, its own."""
        return self.context.call.module_path if self.context else ""


@contextlib.contextmanager
def active(context: ConversionContext) -> Iterator[None]:
    """Make ``context`` what :func:`get_conversion_context` gives while a converter runs."""
    token = _active.set(context)
    try:
        yield
    finally:
        _active.reset(token)


def get_conversion_context() -> ConversionContext | None:
    """The context of the classic converter that runs now; None outside of one."""
    return _active.get()
