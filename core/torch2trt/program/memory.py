"""Which tensors have memory in common."""

from __future__ import annotations

import torch


def storage_of(tensor: torch.Tensor) -> int:
    """The address of a tensor's storage, which views share."""
    return tensor.untyped_storage().data_ptr()


def memory_of(tensor: torch.Tensor) -> int:
    """What stands for a tensor's storage in this process, that of a FakeTensor too, which has no address."""
    return int(tensor.untyped_storage()._cdata)


def overlap(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether the memory between the first and the last element of two tensors has a part in common."""
    if storage_of(one) != storage_of(other) or not one.numel() or not other.numel():
        return False
    (start, end), (first, last) = _extent(one), _extent(other)
    return start < last and first < end


def _extent(tensor: torch.Tensor) -> tuple[int, int]:
    span = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + (span + 1) * tensor.itemsize
