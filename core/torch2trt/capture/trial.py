"""Trying a program beside its model, with real numbers, at sizes of which the export is not sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils import _pytree as pytree

from ..dtypes import carrier
from ..program.guards import Size
from ..program.leaves import as_pairs
from .buffers import called
from .inputs import Example
from .read import tensor_of, written


def computes_the_same(
    exported: ExportedProgram, module: torch.nn.Module, example: Example, sizes: Mapping[Size, int]
) -> bool:
    """Whether a decomposed program and its model agree on random numbers; no where either of them fails.

    Args:
        exported: the program.
        module: what it was exported from.
        example: the example inputs, whose integers and booleans are used again.
        sizes: the sizes that differ from the example's.
    """
    leaves, spec = pytree.tree_flatten((example.args, example.kwargs))
    names = [s.arg.name for s in exported.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
    generator = torch.Generator().manual_seed(0)
    given = [_resized(leaf, name, sizes, generator) for leaf, name in zip(leaves, names, strict=True)]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            args, kwargs = pytree.tree_unflatten(list(map(_copied, given)), spec)
            state = {str(spec.target): tensor_of(exported, spec) for spec in written(exported)}
            torch.default_generator.manual_seed(0)  # where both draw random numbers, they draw the same
            result, after = called(module, state, args, kwargs)
            expected = [*after.values(), *pytree.tree_leaves(pytree.tree_map(as_pairs, result))]
            torch.default_generator.manual_seed(0)
            actual = _run(exported, list(map(_copied, given)), state)
    except Exception:  # then nothing is known of these sizes
        return False
    return len(actual) == len(expected) and all(map(_agree, actual, map(_carried, expected)))


def _run(exported: ExportedProgram, given: Sequence[Any], state: Mapping[str, torch.Tensor]) -> list[Any]:
    """The new values of these buffers in the program, and what it returns."""
    values, inputs = {**exported.state_dict, **exported.constants}, iter(given)
    arguments = [
        _carried(as_pairs(next(inputs))) if spec.kind is InputKind.USER_INPUT else values[str(spec.target)]
        for spec in exported.graph_signature.input_specs
    ]
    outputs = torch.fx.Interpreter(exported.graph_module).run(*arguments, enable_io_processing=False)
    pairs = list(zip(exported.graph_signature.output_specs, outputs, strict=True))
    after = {spec.target: output for spec, output in pairs if spec.kind is OutputKind.BUFFER_MUTATION}
    returned = [output for spec, output in pairs if spec.kind is OutputKind.USER_OUTPUT]
    return [after[path].to(tensor.dtype) for path, tensor in state.items()] + returned


def _resized(leaf: Any, name: str, sizes: Mapping[Size, int], generator: torch.Generator) -> Any:
    if not isinstance(leaf, torch.Tensor):
        return leaf
    shape = [sizes.get((name, dim), size) for dim, size in enumerate(leaf.shape)]
    if leaf.is_floating_point():
        return torch.randn(shape, generator=generator).to(leaf)
    for dim, size in enumerate(shape):
        leaf = leaf.index_select(dim, torch.arange(size, device=leaf.device) % max(leaf.shape[dim], 1))
    return leaf


def _copied(leaf: Any) -> Any:
    return leaf.clone() if isinstance(leaf, torch.Tensor) else leaf


def _carried(leaf: Any) -> Any:
    """An input, or an output, in the dtype in which the program has it."""
    return leaf.to(carrier(leaf.dtype)) if isinstance(leaf, torch.Tensor) else leaf


def _agree(actual: Any, expected: Any) -> bool:
    if not isinstance(expected, torch.Tensor):
        return bool(actual == expected)
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return False
    loose = 1e-2 if expected.dtype.itemsize < 4 else 1e-4
    return torch.allclose(actual.double(), expected.double(), rtol=loose, atol=loose, equal_nan=True)
