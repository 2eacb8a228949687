"""The tensors of a file: one after the other in one member, and what each of them is in the manifest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ..dtypes import short_name


class TensorTable:
    """Tensors on their way into a file, each once."""

    def __init__(self) -> None:
        self._tensors: list[torch.Tensor] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def place(self, tensor: torch.Tensor) -> int:
        """The number of a tensor in the file; ValueError where no file can hold it."""
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or tensor.layout is not torch.strided:
            raise ValueError(f"a {type(tensor).__name__} of the layout {tensor.layout} is more than its elements")
        if tensor.is_quantized:
            raise ValueError("a quantized tensor is more than its elements")
        what = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride(), tensor.is_conj(), tensor.is_neg())
        if what not in self._places:
            self._places[what] = len(self._tensors)
            self._tensors.append(tensor.detach())
        return self._places[what]

    def pieces(self) -> Iterator[memoryview]:
        """Their elements."""
        for tensor in self._tensors:
            dense = tensor.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
            yield dense.view(torch.uint8).numpy().data

    def to_dict(self) -> dict[str, Any]:
        """What a manifest says of them."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        entries = [{"dtype": short_name(one.dtype), "shape": list(one.shape)} for one in self._tensors]
        return {"bytes": sum(one.nbytes for one in self._tensors), "sha256": digest.hexdigest(), "entries": entries}


def read_tensors(described: Mapping[str, Any], data: bytes) -> list[torch.Tensor]:
    """The tensors that :meth:`TensorTable.pieces` gave; ValueError where the two do not fit together."""
    if len(data) != described["bytes"] or hashlib.sha256(data).hexdigest() != described["sha256"]:
        raise ValueError("the checksum of its tensors differs from the manifest's")
    tensors, rest = [], memoryview(data)
    for entry in described["entries"]:
        dtype, shape = getattr(torch, entry["dtype"], None), entry["shape"]
        if not isinstance(dtype, torch.dtype) or any(size < 0 for size in shape):
            raise ValueError(f"a tensor has the dtype {entry['dtype']!r:.60} and the shape {shape!r:.60}")
        size = math.prod(shape) * dtype.itemsize
        if size > len(rest):
            raise ValueError(f"{len(rest)} bytes where a tensor has {size}")
        flat = torch.frombuffer(bytearray(rest[:size]), dtype=dtype) if size else torch.empty(0, dtype=dtype)
        tensors.append(flat.reshape(shape))
        rest = rest[size:]
    if rest:
        raise ValueError(f"{len(rest)} bytes more than its tensors have")
    return tensors
