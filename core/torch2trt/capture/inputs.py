"""Example inputs: tensors, and tensors that were made of descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.utils import _pytree as pytree

from ..dtypes import short_name
from ..errors import InputError
from .described import Input, asked_in_profiles, largest_traced
from .dims import Asked, allowed, asked_by, dynamic_shapes_of
from .given import apart, check_given, shapes_without_stars


@dataclass(frozen=True)
class Example:
    """The inputs of a conversion, ready to trace with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    #: for ``torch.export``; None where everything is static
    dynamic_shapes: Any
    #: of each leaf of ``(args, kwargs)`` what was asked of its dynamic dimensions, as far as that is known
    asked: tuple[Mapping[int, Asked], ...]
    #: the same for each profile, where inputs have several
    profiles: tuple[tuple[Mapping[int, Asked], ...], ...] = ()
    #: the leaves that have memory in common with others, or with the model
    repeated: frozenset[int] = frozenset()
    #: the leaves that were described, whose values say nothing
    described: frozenset[int] = frozenset()


def example_inputs(
    model: Any, inputs: Any, dynamic_shapes: Any, device: torch.device, own: Sequence[torch.Tensor] = ()
) -> Example:
    """The inputs of ``convert`` as an :class:`Example`.

    Args:
        model: whose inputs they are; None for an exported program, whose own are checked by themselves.
        inputs: a sequence of positional inputs or a mapping of keyword inputs; pytrees of tensors and ``Input``; one
            tensor or ``Input`` stands for a sequence of one.
        dynamic_shapes: as in ``torch.export.export``; not beside dynamic ``Input`` descriptions.
        device: where tensors for descriptions are made.
        own: the model's own tensors.

    Raises:
        InputError: inputs that the model does not take, or that no engine can.
    """
    args, kwargs = _arguments(inputs)
    leaves, spec = pytree.tree_flatten((args, kwargs))
    _check_devices(leaves)
    asked: tuple[Mapping[int, Asked], ...] = tuple(leaf.asked if isinstance(leaf, Input) else {} for leaf in leaves)
    if dynamic_shapes is not None:
        if any(asked):
            raise InputError(
                "dynamic sizes come either from Input(min=..., max=...) or from dynamic_shapes, not from both"
            )
        asked = asked_by(dynamic_shapes, model, spec)
    elif any(asked):
        dynamic_shapes = dynamic_shapes_of(asked, model, spec)
    largest = largest_traced([leaf for leaf in leaves if isinstance(leaf, Input)])
    tensors = [leaf.example(device, largest) if isinstance(leaf, Input) else _in_memory(leaf) for leaf in leaves]
    args, kwargs = pytree.tree_unflatten(tensors, spec)
    check_given(model, args, kwargs)
    tensors, repeated = apart(tensors, own)
    args, kwargs = pytree.tree_unflatten(tensors, spec)
    described = frozenset(index for index, leaf in enumerate(leaves) if isinstance(leaf, Input))
    dynamic_shapes = shapes_without_stars(model, args, kwargs, dynamic_shapes)
    return Example(args, kwargs, dynamic_shapes, asked, asked_in_profiles(leaves), repeated, described)


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, (torch.Tensor, Input)):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(inputs), {}
    raise InputError(f"inputs must be a sequence or a mapping of tensors, got {type(inputs).__name__}")


def inputs_of_exported(exported: ExportedProgram, inputs: Any, dynamic_shapes: Any) -> Example:
    """The inputs of an exported program, which has its shapes and dynamic sizes already.

    Args:
        exported: the program.
        inputs: None takes its own example inputs; others must fit it, and an ``Input`` may narrow a dynamic size.
        dynamic_shapes: only None.

    Raises:
        InputError: inputs that the program does not take.
    """
    if dynamic_shapes is not None:
        raise InputError("an ExportedProgram has its dynamic sizes already; narrow them with Input(min=..., max=...)")
    specs = [spec for spec in exported.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT]
    if inputs is None:
        args, kwargs = exported.example_inputs or ((), {})
        return Example(args, kwargs, None, ({},) * len(specs))
    example = example_inputs(None, inputs, None, torch.device("cpu"))
    leaves, spec = pytree.tree_flatten((example.args, example.kwargs))
    if spec != exported.call_spec.in_spec:
        names = ", ".join(spec.arg.name for spec in specs)
        raise InputError(
            f"the ExportedProgram takes the inputs ({names}) with the structure {exported.call_spec.in_spec}, "
            f"got {spec}; leave inputs out to take its own example inputs"
        )
    values = {node.name: node.meta.get("val") for node in exported.graph.find_nodes(op="placeholder")}
    for asked, leaf, input_spec in zip(example.asked, leaves, specs, strict=True):
        reason = _why_not_taken(values[input_spec.arg.name], leaf, asked, exported.range_constraints)
        if reason:
            raise InputError(f"input {input_spec.arg.name!r} of the ExportedProgram {reason}")
    return example


def _why_not_taken(expected: Any, given: Any, asked: Mapping[int, Asked], constraints: Mapping[Any, Any]) -> str | None:
    if not isinstance(expected, torch.Tensor):
        return None if given == expected else f"is {expected!r}, got {given!r}"
    if not isinstance(given, torch.Tensor):
        return f"is a tensor, got {given!r}"
    if given.dtype != expected.dtype:
        return f"is {short_name(expected.dtype)}, got {short_name(given.dtype)}"
    if given.dim() != expected.dim():
        return f"has {expected.dim()} dimensions, got {given.dim()}"
    sizes: Sequence[Any] = expected.shape
    for index, size in enumerate(sizes):
        one = given.shape[index]
        described = asked.get(index, Asked(one, one, one))
        low, high = described.low or 0, described.high or one
        got = str(low) if low == high else f"{low} to {high}; export it again with dynamic_shapes"
        if isinstance(size, int):
            if (low, high) != (size, size):
                return f"has size {size} in dimension {index}, got {got}"
            continue
        smallest, largest = allowed(size, constraints)
        if low < smallest or (largest is not None and high > largest):
            return f"has sizes {smallest} to {largest or 'any'} in dimension {index}, got {got}"
    return None


def _in_memory(leaf: Any) -> Any:
    """A complex tensor that is no view: torch.export loses the real tensor that ``view_as_complex`` made it of."""
    is_complex = isinstance(leaf, torch.Tensor) and leaf.is_complex()
    return leaf.resolve_conj().clone() if is_complex and leaf._is_view() else leaf


def _check_devices(leaves: Sequence[Any]) -> None:
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    # whole numbers on the CPU may be sizes and places, which the host reads
    devices = {t.device for t in tensors if t.device.type != "cpu" or t.dtype not in (torch.int32, torch.int64)}
    if len(devices) > 1:
        names = ", ".join(sorted(map(str, devices)))
        raise InputError(f"the inputs are on different devices ({names}); move them to one with .to(device)")
