"""The state of a converted module: the buffers that the model writes when it is called, with their first values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch

from ..errors import EngineError
from ..program.leaves import Buffer, TensorSpec
from ..program.signature import Signature

#: whole numbers in which two values are equal where their bits are
_BITS: Final = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class State:
    """The buffers of one converted module, which it writes in place.

    Args:
        buffers: what they are.
        values: what they hold at first and after :meth:`reset`; these tensors are copied.
    """

    def __init__(self, buffers: Sequence[Buffer], values: Iterable[torch.Tensor]) -> None:
        self.buffers = tuple(buffers)
        #: has them where the model has them, so a state dict of the model's fits
        self.module = torch.nn.Module()
        #: where they are looked up at a call
        self._places: list[tuple[dict[str, Any], str]] = []
        with torch.inference_mode(False):  # a tensor that is made in it cannot be written outside
            self._first = [_compact(value.detach()) for value in values]
            for buffer, value in zip(self.buffers, self._first, strict=True):
                *path, name = buffer.path.split(".")
                owner = self.module
                for part in path:
                    if part not in owner._modules:
                        owner.add_module(part, torch.nn.Module())
                    owner = owner.get_submodule(part)
                owner.register_buffer(name, value.clone(memory_format=torch.contiguous_format), buffer.persistent)
                self._places.append((owner._buffers, name))
        self._seeds = [place for place, buffer in zip(self._places, self.buffers, strict=True) if buffer.is_seed]

    def tensors(self) -> list[torch.Tensor]:
        """The buffers, in order."""
        return [owner[name] for owner, name in self._places]

    def follow(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Move the seed of random numbers, which no model has and nobody would move, to where the inputs are."""
        device = next((tensor.device for tensor in tensors.values() if tensor.is_cuda), None)
        for owner, name in self._seeds:
            if device is not None and owner[name].device != device:
                owner[name] = owner[name].to(device)

    def reset(self) -> None:
        """Write the first values into the buffers."""
        with torch.no_grad():
            for tensor, first in zip(self.tensors(), self._first, strict=True):
                tensor.copy_(first)

    def packed(self, *, first_only: bool = False) -> Iterator[bytes | memoryview]:
        """The first values and those of now in pieces, which together are what :func:`unpacked` reads."""
        for tensor in self._first if first_only else [*self._first, *self.tensors()]:
            yield from _pieces(tensor)

    def takes_first(self, other: State) -> bool:
        """Whether these are the buffers of ``other`` too, whose first values are then those of this one."""
        pairs = zip(self.tensors(), other._first, strict=False)
        same = self.buffers == other.buffers and all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs)
        if same:
            self._first = other._first
        return same


def unpacked(signature: Signature, data: bytes, where: str, *, first_only: bool = False) -> State | None:
    """The state that :meth:`State.packed` wrote; None for a signature without.

    Raises:
        EngineError: ``data`` are not the values of these buffers.
    """
    specs = {spec.name: spec for spec in signature.inputs}
    wanted = [specs[buffer.name] for buffer in signature.state]
    try:
        values, rest = [], memoryview(data)
        for spec in wanted if first_only else [*wanted, *wanted]:
            value, rest = _read(spec, rest)
            values.append(value)
        if rest:
            raise ValueError(f"{len(rest)} bytes too many")
        if not wanted:
            return None
        state = State(signature.state, values[: len(wanted)])
        for tensor, value in zip(state.tensors(), values[len(wanted) :], strict=False):
            tensor.copy_(value)
    except (ValueError, TypeError, IndexError, RuntimeError, OverflowError) as error:
        raise EngineError(f"the values of the buffers in {where} are damaged: {error}; save it again") from error
    return state


def _compact(tensor: torch.Tensor) -> torch.Tensor:
    """A copy; one value, expanded, where all are the same: a cache is empty at first, and may be large."""
    bits = tensor.contiguous().view(_BITS[tensor.itemsize])
    if tensor.numel() > 1 and bool((bits == bits.flatten()[0]).all()):
        return tensor.flatten()[:1].clone().reshape([1] * tensor.dim()).expand(tensor.shape)
    return tensor.clone(memory_format=torch.contiguous_format)


def _pieces(tensor: torch.Tensor) -> Iterator[bytes | memoryview]:
    """Whether one value stands for all, then the values."""
    compact = _compact(tensor.detach().cpu())
    same = compact.numel() > 1 and not any(compact.stride())
    values = (compact.flatten()[:1].clone(memory_format=torch.contiguous_format) if same else compact.flatten()).view(
        torch.uint8
    )
    yield bytes([same])
    yield values.numpy().data


def _read(spec: TensorSpec, data: memoryview) -> tuple[torch.Tensor, memoryview]:
    shape, dtype = [low for low, _, _ in spec.ranges], getattr(torch, spec.dtype)
    same, data = data[0], data[1:]
    count = 1 if same else math.prod(shape)
    size = count * dtype.itemsize
    if same not in (0, 1) or len(data) < size:
        raise ValueError(f"{len(data)} bytes where {size} are expected")
    values = torch.frombuffer(bytearray(data[:size]), dtype=dtype) if size else torch.empty(0, dtype=dtype)
    return (values.expand(math.prod(shape)) if same else values).reshape(shape), data[size:]
