"""Modules that stand around the user's model while it is traced."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..program.call import state_of


class Casting(torch.nn.Module):
    """``model`` computing in ``dtype``, without copying or changing it; inputs and outputs keep their dtypes.

    Parameters are cast inside the graph, where they are constants, so the casts are folded once while lowering.
    """

    def __init__(self, model: torch.nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.original = model
        floating = (tensor.dtype for tensor in state_of(model).values() if tensor.is_floating_point())
        outside = next(floating, torch.float32)

        def cast(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

        def restore(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(outside) if tensor.dtype == dtype else tensor

        @functools.wraps(model.forward)  # export names the inputs after this signature
        def forward(*args: Any, **kwargs: Any) -> Any:
            # asked for in here: while it is traced, the model holds what stands for its parameters
            inside = pytree.tree_map_only(torch.Tensor, cast, (state_of(model), args, kwargs))
            result = torch.func.functional_call(model, *inside)
            return pytree.tree_map_only(torch.Tensor, restore, result)

        self.forward = forward


class Function(torch.nn.Module):
    """A plain callable as a module."""

    def __init__(self, function: Callable[..., Any], arguments: int) -> None:
        super().__init__()

        @functools.wraps(function)
        def forward(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        try:
            inspect.signature(function)
        except ValueError:  # a built-in without one: export needs to know how many inputs there are
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            parameters = [inspect.Parameter(f"input_{index}", kind) for index in range(arguments)]
            forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        self.forward = forward


class Around(torch.nn.Module):
    """``model``, whose ``forward`` can be given another signature."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.original = model

        def forward(*args: Any, **kwargs: Any) -> Any:
            return model(*args, **kwargs)

        self.forward = forward


#: modules of ours, none of the user's
WRAPPERS = (Casting.__name__, Function.__name__, Around.__name__)


def original_path(path: str) -> str:
    """The path in the user's model of a module, parameter or buffer of a wrapper."""
    return "" if path == "original" else path.removeprefix("original.")
