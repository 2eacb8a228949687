"""State: the buffers that a converted module keeps from call to call, held against what its engine takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import torch

from ..errors import InputError
from .leaves import Buffer, Leaf, TensorSpec
from .memory import overlap, storage_of
from .straight import fitting

#: all inputs of the engine, of those that were given and of the buffers in order
WithState = Callable[[Mapping[str, torch.Tensor], Sequence[torch.Tensor]], dict[str, torch.Tensor]]


def written(leaves: Sequence[Leaf], outputs: Sequence[str]) -> dict[str, str]:
    """The buffers that outputs are the new values of and nothing else, by the names of engine inputs and outputs.

    Args:
        leaves: the leaves of what a module returns and changes.
        outputs: the outputs that they are made of, in order.
    """
    named = zip((leaf for leaf in leaves if leaf.kind != "constant"), outputs, strict=True)
    return {leaf.name: name for leaf, name in named if leaf.kind == "state" and outputs.count(name) == 1}


def with_state(state: Sequence[Buffer], specs: Mapping[str, TensorSpec]) -> WithState:
    """Adds buffers to inputs that were checked by themselves; :class:`InputError` where they do not fit."""
    names, wanted = [buffer.name for buffer in state], [specs[buffer.name] for buffer in state]
    checks = [fitting(getattr(torch, spec.dtype), spec.ranges) for spec in wanted]
    with_values = any(spec.values for spec in wanted)
    # whole numbers that the host reads may be on the CPU
    anywhere = frozenset(name for name, spec in specs.items() if spec.values)

    def add(tensors: Mapping[str, torch.Tensor], buffers: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        if with_values or not all(fits(tensor) for fits, tensor in zip(checks, buffers, strict=True)):
            _check_fitting(state, wanted, buffers)
        own = dict(zip(names, buffers, strict=True))
        device = next((tensor.device for name, tensor in tensors.items() if name not in anywhere), None)
        for buffer, tensor in zip(state, buffers, strict=True):
            if device is not None and tensor.device != device and buffer.name not in anywhere:
                raise InputError(
                    f"the module's buffer {buffer.path!r} is on {tensor.device} and the inputs on {device}; "
                    "move the module with .to()"
                )
        storages = {storage_of(tensor) for tensor in buffers}
        if len(storages) < len(buffers) or any(storage_of(tensor) in storages for tensor in tensors.values()):
            _check_apart(state, tensors, buffers)
        return {**tensors, **own}

    return add


def _check_fitting(state: Sequence[Buffer], specs: Sequence[TensorSpec], buffers: Sequence[torch.Tensor]) -> None:
    for buffer, spec, tensor in zip(state, specs, buffers, strict=True):
        if reason := spec.why_not_a_tensor(tensor) or spec.why_not_in_range(tensor):
            raise InputError(f"the module's buffer {buffer.path!r} {reason}")


def _check_apart(state: Sequence[Buffer], tensors: Mapping[str, torch.Tensor], buffers: Sequence[torch.Tensor]) -> None:
    """That no buffer has memory in common with another one or an input, which would change with it."""
    own = [(f"its buffer {buffer.path!r}", tensor) for buffer, tensor in zip(state, buffers, strict=True)]
    given = [(f"input {name!r}", tensor) for name, tensor in tensors.items()]
    for (one, tensor), (name, other) in [*itertools.combinations(own, 2), *itertools.product(own, given)]:
        if overlap(tensor, other):
            raise InputError(
                f"the model changes {one}, and {name} has memory in common with it; "
                "give a copy of one of them with .clone()"
            )
