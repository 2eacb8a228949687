"""What PyTorch 2.14 traces and earlier versions do not, or only for some sizes; nothing where PyTorch is newer.

Every function here computes what PyTorch's own does, for all arguments: only the trace of it differs.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from torch._subclasses.fake_tensor import FakeTensor

aten = torch.ops.aten

_EARLIER: Final = torch.__version__ < "2.14"  # compared as versions
_COMPOSITE: Final = torch._C.DispatchKey.CompositeImplicitAutograd
_ROUNDED: Final[Mapping[str, Callable[..., torch.Tensor]]] = {
    "lower": torch.floor,
    "higher": torch.ceil,
    "nearest": torch.round,
}


@contextlib.contextmanager
def backports() -> Iterator[None]:
    """Trace as later versions of PyTorch do."""
    if not _EARLIER:
        yield
        return
    from torch._decomp import decompositions  # what is private may not be there in later versions
    from torch._export.non_strict_utils import _NonStrictTorchFunctionHandler

    with contextlib.ExitStack() as stack:
        stack.enter_context(_replaced(torch._meta_registrations, "div_rtn", lambda _: _floored))
        stack.enter_context(_replaced(decompositions, "one_layer_lstm", _with_states_of_given_shape))
        for operator, kernel in _KERNELS.items():
            stack.enter_context(_kernel(operator, kernel))
        for key in (_COMPOSITE, torch._C.DispatchKey.Autograd):
            stack.enter_context(_kernel_replaced(aten.dropout.default, key, _dropout))
        stack.enter_context(_replaced(_NonStrictTorchFunctionHandler, "_override", _indexing))
        yield


@contextlib.contextmanager
def _replaced(owner: Any, name: str, replace: Callable[[Any], Any]) -> Iterator[None]:
    original = getattr(owner, name, None)
    if original is None:
        yield
        return
    setattr(owner, name, replace(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextlib.contextmanager
def _kernel(operator: Any, kernel: Callable[..., Any]) -> Iterator[None]:
    """Let the operator run ``kernel`` wherever PyTorch traces it."""
    if _COMPOSITE in operator.py_kernels:
        yield
        return
    operator.py_impl(_COMPOSITE)(kernel)
    try:
        yield
    finally:
        del operator.py_kernels[_COMPOSITE]
        operator._dispatch_cache.clear()


@contextlib.contextmanager
def _kernel_replaced(operator: Any, key: Any, replace: Callable[[Any], Any]) -> Iterator[None]:
    """Let the operator run another kernel in the place of the one that PyTorch traces."""
    original = operator.py_kernels.get(key)
    if original is None:
        yield
        return
    operator.py_kernels[key] = replace(original)
    operator._dispatch_cache.clear()
    try:
        yield
    finally:
        operator.py_kernels[key] = original
        operator._dispatch_cache.clear()


def _dropout(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Dropout, which is its operand where it does nothing, and not a copy: what is written into one is in both."""

    @functools.wraps(kernel)
    def dropout(input: Any, p: float, train: bool | None) -> Any:
        return kernel(input, p, train) if train and p else input

    return dropout


def _floored(dividend: Any, divisor: Any) -> Any:
    """Division of sizes in pooling; Python rounds down as it is, so that whether a remainder is left means nothing."""
    return dividend // divisor


def _with_states_of_given_shape(layer: Callable[..., Any]) -> Callable[..., Any]:
    """A layer of an LSTM, whose last states have a dimension too many otherwise."""

    @functools.wraps(layer)
    def corrected(inp: Any, hidden: Any, *args: Any, **kwargs: Any) -> Any:
        out, states = layer(inp, hidden, *args, **kwargs)
        return out, tuple(last.reshape(first.shape) for last, first in zip(states, hidden, strict=True))

    return corrected


def _indexing(override: Callable[..., Any]) -> Callable[..., Any]:
    """``x[i]`` with a number ``i`` that is a tensor as ``x[i.item()]``, which is what it means.

    Args:
        override: what export traces in place of a function of PyTorch's.
    """

    def overridden(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
        if func is torch.Tensor.__getitem__:
            tensor, index = args
            args = tensor, tuple(map(_read, index)) if isinstance(index, tuple) else _read(index)
        return override(mode, func, args, kwargs)

    return overridden


def _read(index: Any) -> Any:
    # a byte is taken for a truth value
    is_number = isinstance(index, FakeTensor) and not index.dim() and index.dtype not in (torch.uint8, torch.bool)
    return index.item() if is_number else index


def _quantile(
    input: torch.Tensor,
    q: torch.Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    passes_over_nan: bool = False,
) -> torch.Tensor:
    """Quantiles without a look at ``q``, which PyTorch checks on the CPU."""
    ndim, wanted = input.dim(), q if isinstance(q, torch.Tensor) else input.new_full((), q)
    rows = input.flatten() if dim is None or not ndim else input.movedim(dim, -1)
    rows = rows.sort(-1).values
    missing = rows.isnan()
    if passes_over_nan:
        place = (wanted.reshape(-1) * (missing.logical_not().sum(-1, True) - 1)).clamp(min=0)
    else:
        last = rows.shape[-1] - 1
        place = torch.where(missing.any(-1, True), last, wanted.reshape(-1) * last)
    place = _ROUNDED[interpolation](place) if interpolation in _ROUNDED else place
    below = rows.gather(-1, place.long())
    if interpolation not in _ROUNDED:
        weight = torch.full_like(place, 0.5) if interpolation == "midpoint" else place - place.floor()
        below = below.lerp(rows.gather(-1, place.ceil().long()), weight)
    result = below.movedim(-1, 0) if wanted.dim() else below.squeeze(-1)
    for kept in (range(ndim) if dim is None else [dim % ndim] if ndim else []) if keepdim else ():
        result = result.unsqueeze(kept + wanted.dim())
    return result


def _cross_entropy(
    input: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    reduction: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """The loss of probabilities for any number of rows, which PyTorch traces for that of the example alone."""
    if not target.is_floating_point() or input.dim() != target.dim():
        kernel = aten.cross_entropy_loss.default._op_dk
        return kernel(_COMPOSITE, input, target, weight, reduction, ignore_index, label_smoothing)  # type: ignore[no-any-return]  # PyTorch does not type it
    classes = 0 if input.dim() == 1 else 1
    count = input.shape[classes]
    wanted = target * (1 - label_smoothing) + label_smoothing / count if label_smoothing else target
    loss = input.log_softmax(classes) * wanted
    if weight is not None:
        loss = loss * weight.reshape([-1, *[1] * (input.dim() - 1 - classes)])
    if reduction == 0:
        return -loss.sum(classes)
    return -loss.sum() / (input.numel() // count) if reduction == 1 else -loss.sum()


_nanquantile = functools.partial(_quantile, passes_over_nan=True)
_KERNELS: Final[Mapping[Any, Callable[..., Any]]] = {
    aten.quantile.default: _quantile,
    aten.quantile.scalar: _quantile,
    aten.nanquantile.default: _nanquantile,
    aten.nanquantile.scalar: _nanquantile,
    aten.cross_entropy_loss.default: _cross_entropy,
}
