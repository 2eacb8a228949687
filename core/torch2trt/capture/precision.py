"""Tracing a model in another floating-point dtype than its own, without copying or changing it."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch.utils import _pytree as pytree


class Casting(torch.nn.Module):
    """``model`` computing in ``dtype``; inputs and outputs keep their dtypes.

    Parameters are cast inside the graph, where they are constants, so the casts are folded once while lowering.
    """

    def __init__(self, model: torch.nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.original = model
        state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        floating = (tensor.dtype for tensor in state.values() if tensor.is_floating_point())
        outside = next(floating, torch.float32)

        def cast(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

        def restore(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(outside) if tensor.dtype == dtype else tensor

        @functools.wraps(model.forward)  # export names the inputs after this signature
        def forward(*args: Any, **kwargs: Any) -> Any:
            inside = pytree.tree_map_only(torch.Tensor, cast, (state, args, kwargs))
            result = torch.func.functional_call(model, *inside)
            return pytree.tree_map_only(torch.Tensor, restore, result)

        self.forward = forward

    @staticmethod
    def original_path(path: str) -> str:
        """A module's path in the user's model."""
        return "" if path == "original" else path.removeprefix("original.")
