"""Buffers that a model writes when it is called: seeing all of them, and leaving the user's as they are."""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MethodType
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from ..errors import CaptureError
from ..program.call import describe
from ..program.leaves import SEED
from ..program.memory import overlap, storage_of
from .read import tensor_of
from .wrappers import original_path


@contextlib.contextmanager
def assigned_in_place(model: Any, cast: bool) -> Iterator[None]:
    """Let ``model`` write into its buffers what it assigns to them (``self.count = self.count + 1``).

    ``torch.export`` does not see everywhere what a module assigns, and ``torch.func.functional_call`` drops it.  With
    ``cast`` the model computes in another precision than its own.
    """
    if not isinstance(model, torch.nn.Module):
        yield
        return
    own = model.__dict__.get("forward")

    @functools.wraps(model.forward)
    def forward(*args: Any, **kwargs: Any) -> Any:
        before = list(_buffers(model))
        # asked for in here: while it is traced, a rule may stand in the method's place
        result = (own or MethodType(type(model).forward, model))(*args, **kwargs)
        for path, holder, name, buffer in before:
            if (new := holder.get(name)) is not buffer:
                holder[name] = buffer
                buffer.copy_(_written(path, buffer, new, cast))
        return result

    model.forward = forward
    try:
        yield
    finally:
        if own is None:
            del model.__dict__["forward"]
        else:
            model.forward = own


def sharing(exported: ExportedProgram) -> Iterator[tuple[str, str]]:
    """The paths of every buffer of a program and of another buffer or parameter that has memory in common with it."""
    kinds = (InputKind.PARAMETER, InputKind.BUFFER)
    own = [(spec, tensor_of(exported, spec)) for spec in exported.graph_signature.input_specs if spec.kind in kinds]
    groups: dict[int, list[Any]] = collections.defaultdict(list)
    for spec, tensor in own:
        groups[storage_of(tensor)].append((spec, tensor))
    for group in groups.values():
        for (spec, tensor), (another, other) in itertools.permutations(group, 2):
            if spec.kind is InputKind.BUFFER and overlap(tensor, other):
                yield original_path(str(spec.target)), original_path(str(another.target))


def _written(path: str, buffer: torch.Tensor, new: Any, cast: bool) -> torch.Tensor:
    """What a buffer is replaced by; :class:`CaptureError` where writing it into the buffer would not be the same."""
    if isinstance(new, torch.Tensor):
        sizes: Sequence[Any] = new.shape
        same_shape = all(isinstance(size, int) for size in sizes) and new.shape == buffer.shape
        # in another precision, the dtypes of what is computed are not the model's own
        alike = cast and new.is_floating_point() and buffer.is_floating_point()
        if same_shape and (alike or new.dtype == buffer.dtype):
            return new
    raise CaptureError(
        f"the model replaces its buffer {path!r}, {describe(buffer)}, by {describe(new)} when it is called, and a "
        "converted module keeps the shapes and dtypes of its buffers; return the new value and pass it in again"
    )


def called(
    model: Any, state: Mapping[str, torch.Tensor], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """What a model returns, and the new values of some buffers, which the model itself keeps as they were.

    The seed of random numbers, which no model has, is one more after the call.

    Args:
        model: a module, or a callable that has no buffers.
        state: the values that these buffers begin with, by their paths.
        args, kwargs: the inputs.
    """
    given = {path: value for path, value in state.items() if path != SEED}
    own = {path: (holder, name, buffer) for path, holder, name, buffer in _buffers(model)} if given else {}
    try:
        for path, value in given.items():
            holder, name, buffer = own[path]
            holder[name] = value.detach().to(buffer.device, copy=True)
        result = model(*args, **kwargs)
        return result, {path: own[path][0].get(own[path][1]) if path in own else state[path] + 1 for path in state}
    finally:
        for path in given:
            holder, name, buffer = own[path]
            holder[name] = buffer


def _buffers(model: torch.nn.Module) -> Iterator[tuple[str, dict[str, Any], str, torch.Tensor]]:
    """Every buffer: its path, the dict that holds it, its name there, and itself."""
    for prefix, module in model.named_modules(remove_duplicate=False):
        for name, buffer in module._buffers.items():
            if buffer is not None:
                yield f"{prefix}.{name}".removeprefix("."), module._buffers, name, buffer
