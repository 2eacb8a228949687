"""Modules that stand around the user's model while it is traced."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import torch
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from ..dtypes import short_name
from ..errors import PrecisionWarning, warn
from ..program.call import state_of
from .autocast import Autocast

#: functions whose floating-point tensors have one dtype, by the names that PyTorch's function mode sees
_ONE_DTYPE: Final = frozenset(
    [
        *("linear", "bilinear", "matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "einsum", "tensordot"),
        *("addmm", "addmv", "addbmm", "baddbmm", "scaled_dot_product_attention", "multi_head_attention_forward"),
        *(f"conv{transposed}{count}d" for transposed in ("", "_transpose") for count in (1, 2, 3)),
        *("layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm", "prelu"),
    ]
)


class Casting(torch.nn.Module):
    """``model`` computing in ``dtype``, without copying or changing it; inputs and outputs keep their dtypes.

    Parameters are cast inside the graph, where they are constants, so the casts are folded once while lowering.
    """

    def __init__(self, model: torch.nn.Module, dtype: torch.dtype, outside: Sequence[torch.dtype | None]) -> None:
        super().__init__()
        self.original = model
        _warn_of_overflow(model, dtype)

        def cast(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

        @functools.wraps(model.forward)  # export names the inputs after this signature
        def forward(*args: Any, **kwargs: Any) -> Any:
            # asked for in here: while it is traced, the model holds what stands for its parameters
            given = (state_of(model), args, kwargs)
            inside = pytree.tree_map_only(torch.Tensor, cast, given)
            pairs = [
                (one, other, other._version)
                for one, other in zip(pytree.tree_leaves(given), pytree.tree_leaves(inside), strict=True)
                if one is not other
            ]
            with _OneDtype(dtype):
                leaves, spec = pytree.tree_flatten(torch.func.functional_call(model, *inside))
            for tensor, copy, version in pairs:
                if copy._version != version:  # changed in place
                    tensor.copy_(copy)
            return pytree.tree_unflatten(_restored(leaves, outside), spec)

        self.forward = forward


class Mixed(torch.nn.Module):
    """``model`` under PyTorch's autocast rules, without changing it; outputs keep their dtypes, as inputs do."""

    def __init__(
        self,
        model: torch.nn.Module,
        low: torch.dtype,
        outside: Sequence[torch.dtype | None],
        claimed: Collection[Any],
    ) -> None:
        super().__init__()
        self.original = model

        @functools.wraps(model.forward)  # export names the inputs after this signature
        def forward(*args: Any, **kwargs: Any) -> Any:
            with Autocast(low, claimed):
                leaves, spec = pytree.tree_flatten(model(*args, **kwargs))
            return pytree.tree_unflatten(_restored(leaves, outside), spec)

        self.forward = forward


def _restored(leaves: Sequence[Any], outside: Sequence[torch.dtype | None]) -> list[Any]:
    """The leaves of outputs in the dtypes that the model itself gives them."""
    return [leaf if wanted is None else leaf.to(wanted) for leaf, wanted in zip(leaves, outside, strict=True)]


class _OneDtype(TorchFunctionMode):
    """Lets what a model itself brings to another dtype than that of its weights meet them, as autocast does."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = (args, kwargs or {})
        if getattr(func, "__name__", "") in _ONE_DTYPE:
            tensors = [leaf for leaf in pytree.tree_leaves(given) if isinstance(leaf, torch.Tensor)]
            if len({tensor.dtype for tensor in tensors if tensor.is_floating_point()}) > 1:
                given = pytree.tree_map_only(
                    torch.Tensor, lambda t: t.to(self._dtype) if t.is_floating_point() else t, given
                )
        return func(*given[0], **given[1])


def output_dtypes(model: torch.nn.Module, args: Any, kwargs: Any) -> list[torch.dtype | None]:
    """The dtypes of the tensors that ``model`` returns when it is left as it is, from a run that computes nothing."""
    environment = ShapeEnv(allow_scalar_outputs=True, allow_dynamic_output_shape_ops=True)
    mode = FakeTensorMode(shape_env=environment, static_shapes=True, allow_non_fake_inputs=True)
    with mode:
        fake = pytree.tree_map_only(torch.Tensor, mode.from_tensor, (state_of(model), args, kwargs))
        leaves = pytree.tree_leaves(torch.func.functional_call(model, *fake))
    return [leaf.dtype if isinstance(leaf, torch.Tensor) else None for leaf in leaves]


def _warn_of_overflow(model: torch.nn.Module, dtype: torch.dtype) -> None:
    names = [
        name for name, tensor in state_of(model).items() if tensor.is_floating_point() and _overflows(tensor, dtype)
    ]
    if names:
        warn(
            f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}: numbers beyond "
            f"{short_name(dtype)} become infinite; scale them, or leave the precision of this model",
            PrecisionWarning,
        )


def _overflows(tensor: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether a finite number of ``tensor`` is infinite in ``dtype``."""
    if not tensor.is_floating_point() or not tensor.numel() or torch.finfo(tensor.dtype).max <= torch.finfo(dtype).max:
        return False
    if all(bound.to(dtype).isfinite() for bound in torch.aminmax(tensor.detach())):  # the usual case, in one pass
        return False
    return bool((tensor.isfinite() & tensor.to(dtype).isinf()).any())


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
WRAPPERS = (Casting.__name__, Mixed.__name__, Function.__name__, Around.__name__)


def original_path(path: str) -> str:
    """The path in the user's model of a module, parameter or buffer of a wrapper."""
    return "" if path == "original" else path.removeprefix("original.")
