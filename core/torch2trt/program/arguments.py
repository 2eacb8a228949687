"""From the tensors of an engine back to the arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .leaves import Leaf, TensorSpec
from .signature import Signature


def arguments_of(signature: Signature, tensors: Mapping[str, torch.Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the call whose tensors are given by name: what ``signature.flatten`` makes these tensors of."""

    def value(leaf: Leaf) -> Any:
        if leaf.kind == "constant":
            return leaf.value
        tensor = tensors[leaf.name]
        return torch.view_as_complex(tensor.contiguous()) if leaf.kind == "complex" else tensor

    args, kwargs = pytree.tree_unflatten(map(value, signature.input_leaves), signature.in_spec)
    return tuple(args), kwargs


def random_arguments(signature: Signature) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call at the usual sizes, the same in every process."""
    generator, own = torch.Generator().manual_seed(0), {buffer.name for buffer in signature.state}
    specs = [spec for spec in signature.inputs if spec.name not in own]
    usual = {spec.name: [size for _, size, _ in spec.ranges] for spec in specs}
    return arguments_of(signature, {spec.name: random_tensor(spec, usual[spec.name], generator) for spec in specs})


def random_tensor(spec: TensorSpec, shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
    """Normally distributed numbers; integers and bools are 0, or the usual ones where they have a range."""
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if spec.values:  # which others would not be taken
        return torch.tensor([usual for _, usual, _ in spec.values], dtype=dtype).reshape(shape)
    normal = torch.randn(shape, generator=generator)
    return normal.to(dtype) if dtype.is_floating_point else torch.zeros(shape, dtype=dtype)
