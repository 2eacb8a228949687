"""Trying a program beside its model, with real numbers, at sizes of which the export is not sure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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

#: how often other values are drawn: truth values and whole numbers agree by chance easily
_DRAWS: Final = 3


def computes_the_same(
    exported: ExportedProgram, module: torch.nn.Module, example: Example, sizes: Mapping[Size, int]
) -> bool:
    """Whether a decomposed program and its model agree on random numbers.

    Both have to run with the integers and booleans of the example, and agree with others wherever the model takes them.

    Args:
        exported: the program.
        module: what it was exported from.
        example: the example inputs.
        sizes: the sizes that differ from the example's.
    """
    leaves, spec = pytree.tree_flatten((example.args, example.kwargs))
    names = [s.arg.name for s in exported.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
    state = {str(spec.target): tensor_of(exported, spec) for spec in written(exported)}
    given = [_resized(leaf, name, sizes) for leaf, name in zip(leaves, names, strict=True)]
    for index, drawn in enumerate(_draws(given)):
        args, kwargs = pytree.tree_unflatten(drawn, spec)
        try:
            with _drawing_alike():
                expected = _expected(module, state, *map(_copied, (args, kwargs)))
        except Exception:  # other values may be none that the model takes, such as places that do not exist
            if index == 0:
                return False
            continue
        try:
            with _drawing_alike():
                actual = _run(exported, drawn, state)
        except Exception:
            return False
        if index > 0 and any(map(_holds_nan, expected)):  # as attention to nothing, of which its kernels make 0 or NaN
            continue
        if len(actual) != len(expected) or not all(map(_agree, actual, map(_carried, expected))):
            return False
    return True


@contextlib.contextmanager
def _drawing_alike() -> Iterator[None]:
    """Where a program draws random numbers, it draws the same each time."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def _expected(module: torch.nn.Module, state: Mapping[str, torch.Tensor], args: Any, kwargs: Any) -> list[Any]:
    """The new values of these buffers of the model and of its inputs, and what it returns."""
    result, after = called(module, state, args, kwargs)
    return [*after.values(), *pytree.tree_leaves(pytree.tree_map(as_pairs, ((args, kwargs), result)))]


def _run(exported: ExportedProgram, given: Sequence[Any], state: Mapping[str, torch.Tensor]) -> list[Any]:
    """The new values of these buffers and inputs in the program, and what it returns."""
    values, inputs = {**exported.state_dict, **exported.constants}, iter(given)
    arguments = [
        _carried(as_pairs(next(inputs))) if spec.kind is InputKind.USER_INPUT else values[str(spec.target)]
        for spec in exported.graph_signature.input_specs
    ]
    outputs = torch.fx.Interpreter(exported.graph_module).run(*arguments, enable_io_processing=False)
    pairs = list(zip(exported.graph_signature.output_specs, outputs, strict=True))
    after = {spec.target: output for spec, output in pairs if spec.kind is OutputKind.BUFFER_MUTATION}
    changed = {spec.target: output for spec, output in pairs if spec.kind is OutputKind.USER_INPUT_MUTATION}
    users = [
        changed.get(spec.arg.name, argument)
        for spec, argument in zip(exported.graph_signature.input_specs, arguments, strict=True)
        if spec.kind is InputKind.USER_INPUT
    ]
    returned = [output for spec, output in pairs if spec.kind is OutputKind.USER_OUTPUT]
    return [after[path].to(tensor.dtype) for path, tensor in state.items()] + users + returned


def _resized(leaf: Any, name: str, sizes: Mapping[Size, int]) -> Any:
    """An input of other sizes, by repeating what it has."""
    if not isinstance(leaf, torch.Tensor):
        return leaf
    for dim in range(leaf.dim()):
        if (size := sizes.get((name, dim))) is not None:
            leaf = leaf.index_select(dim, torch.arange(size, device=leaf.device) % max(leaf.shape[dim], 1))
    return leaf


def _draws(leaves: Sequence[Any]) -> Iterator[list[Any]]:
    """Inputs with random numbers: once with their own integers and booleans, then with these in any order."""
    generator = torch.Generator().manual_seed(0)
    for index in range(1 + _DRAWS):
        yield [_drawn(leaf, index > 0, generator) for leaf in leaves]


def _drawn(leaf: Any, mixed: bool, generator: torch.Generator) -> Any:
    if not isinstance(leaf, torch.Tensor) or not leaf.numel():
        return leaf
    if leaf.is_complex():
        return torch.randn(leaf.shape, dtype=leaf.dtype, generator=generator).to(leaf.device)
    if leaf.is_floating_point():
        return torch.randn(leaf.shape, generator=generator).to(leaf)
    if not mixed:
        return leaf
    values = leaf.long().unique()  # which not every integer dtype has
    if len(values) == 1:  # as a mask of ones: values that are all the same would tell nothing
        values = torch.cat((values, values + (-1 if values > 0 else 1)))
    return values[torch.randint(len(values), leaf.shape, generator=generator).to(leaf.device)].to(leaf.dtype)


def _copied(value: Any) -> Any:
    return pytree.tree_map_only(torch.Tensor, torch.clone, value)


def _carried(leaf: Any) -> Any:
    """An input, or an output, in the dtype in which the program has it."""
    return leaf.to(carrier(leaf.dtype)) if isinstance(leaf, torch.Tensor) else leaf


def _holds_nan(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor) and bool(leaf.isnan().any())


def _agree(actual: Any, expected: Any) -> bool:
    if not isinstance(expected, torch.Tensor):
        return bool(actual == expected)
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return False
    loose = 1e-2 if expected.dtype.itemsize < 4 else 1e-4
    return torch.allclose(actual.double(), expected.double(), rtol=loose, atol=loose, equal_nan=True)
