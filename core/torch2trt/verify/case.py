"""The inputs and the state of one call of a module, and what the model makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ..capture.buffers import called
from ..capture.inputs import example_inputs
from ..errors import InputError
from ..program.leaves import CHANGED, as_pairs
from ..program.signature import Signature


class Case:
    """The inputs of one call as the engine takes them, by name, and the outputs that the model gives for them.

    Args:
        model: what was converted.
        signature: the calling convention.
        args, kwargs: the inputs; they are not changed.
        name: what to call them.
        state: the values that the model's buffers begin with, in the order of the signature; the model keeps its own.
    """

    def __init__(
        self,
        model: Any,
        signature: Signature,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        name: str = "",
        state: Sequence[torch.Tensor] = (),
    ) -> None:
        self.name, self._given = name, (args, kwargs)
        self.tensors = signature.carried(signature.flatten(*_clones(args, kwargs)))
        if signature.state:
            away = (tensor.device for tensor in self.tensors.values() if tensor.device.type != "cpu")
            device = next(away, torch.device("cpu"))
            self.tensors = signature.with_state(self.tensors, [t.detach().to(device, copy=True) for t in state])
        self.expected, self.after = _outputs(model, signature, *_clones(args, kwargs), state)

    def again(self, model: Any, signature: Signature) -> Case:
        """The same inputs with the state that this case leaves."""
        return Case(model, signature, *self._given, f"{self.name}, called again", self.after)


def tensors_of(model: Any, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that a user gave as ``inputs``; None takes those of an ``ExportedProgram``."""
    if inputs is None:
        if not isinstance(model, ExportedProgram) or model.example_inputs is None:
            raise InputError("give inputs to compare with; only an ExportedProgram has its own")
        args, kwargs = model.example_inputs
        return args, kwargs
    example = example_inputs(None, inputs, None, torch.device("cpu"))
    if example.described:
        raise InputError("give tensors to compare with; an Input only describes one")
    return example.args, example.kwargs


def _clones(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    copied: tuple[tuple[Any, ...], dict[str, Any]] = pytree.tree_map_only(
        torch.Tensor, lambda tensor: tensor.detach().clone(), (tuple(args), dict(kwargs))
    )
    return copied


def _outputs(
    model: Any, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any], state: Sequence[torch.Tensor]
) -> tuple[dict[str, torch.Tensor], list[torch.Tensor]]:
    """What the model returns and writes, by the names of the engine's outputs, and its new state."""
    function = model.module() if isinstance(model, ExportedProgram) else model
    inputs = signature.flatten(args, kwargs)
    before = {buffer.path: tensor for buffer, tensor in zip(signature.state, state, strict=True)}
    with torch.no_grad():
        result, after = called(function, before, args, kwargs)
    leaves = pytree.tree_leaves(result)
    inputs |= {buffer.name: after[buffer.path] for buffer in signature.state}
    wanted = sum(leaf.kind not in CHANGED for leaf in signature.output_leaves)
    if len(leaves) != wanted:
        raise InputError(
            f"the model returns {len(leaves)} values and the module {wanted}; it was converted from another"
        )
    returned = iter(leaves)
    names = iter(signature.outputs)
    outputs = {}
    for leaf in signature.output_leaves:
        value = inputs[leaf.name] if leaf.kind in CHANGED else next(returned)
        if leaf.kind != "constant":
            outputs[next(names)] = as_pairs(torch.as_tensor(value))
    return outputs, list(after.values())
