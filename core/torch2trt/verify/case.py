"""The inputs of one call of a module, and what the model makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ..capture.inputs import example_inputs
from ..errors import InputError
from ..program.leaves import as_pairs
from ..program.signature import Signature


class Case:
    """The inputs of one call by the names of the engine's tensors, and the outputs that the model gives for them.

    Args:
        model: what was converted.
        signature: the calling convention.
        args, kwargs: the inputs; they are not changed.
        name: what to call them.
    """

    def __init__(
        self, model: Any, signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any], name: str = ""
    ) -> None:
        self.name = name
        self.tensors = signature.flatten(*_clones(args, kwargs))
        self.expected = _outputs(model, signature, *_clones(args, kwargs))


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
    model: Any, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, torch.Tensor]:
    """What the model returns and writes into its inputs, by the names of the engine's outputs."""
    function = model.module() if isinstance(model, ExportedProgram) else model
    inputs = signature.flatten(args, kwargs)
    with torch.no_grad():
        leaves = pytree.tree_leaves(function(*args, **kwargs))
    wanted = sum(leaf.kind != "mutated" for leaf in signature.output_leaves)
    if len(leaves) != wanted:
        raise InputError(
            f"the model returns {len(leaves)} values and the module {wanted}; it was converted from another"
        )
    returned = iter(leaves)
    names = iter(signature.outputs)
    outputs = {}
    for leaf in signature.output_leaves:
        value = inputs[leaf.name] if leaf.kind == "mutated" else next(returned)
        if leaf.kind != "constant":
            outputs[next(names)] = as_pairs(torch.as_tensor(value))
    return outputs
