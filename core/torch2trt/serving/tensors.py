"""What clients of a converted module send and get: tensors by name, and whether several requests make one call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from ..errors import InputError
from ..program.guards import Guard
from ..program.leaves import CHANGED, TensorSpec
from ..program.signature import Signature

#: a guard that two first sizes are equal
_EQUAL: Final = re.compile(r"(\w+)\.shape\[0\] == (\w+)\.shape\[0\]")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One of them."""

    name: str
    dtype: str
    #: None for a size that varies
    sizes: tuple[int | None, ...]

    def read(self, value: Any) -> torch.Tensor:
        """The tensor of nested lists of numbers; :class:`InputError` where they are none."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        try:
            if not dtype.is_floating_point and torch.tensor(value).is_floating_point() and value:
                raise ValueError("they have fractions")  # which PyTorch drops
            return torch.tensor(value, dtype=dtype)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"input {self.name!r} is no {self.dtype} in lists: {error}") from error


@dataclass(frozen=True, slots=True)
class Interface:
    """All of them."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    #: the most rows that one call takes, where the first size of every tensor is the number of rows; 0 elsewhere
    rows: int
    #: why ``rows`` is 0
    why_no_rows: str = ""

    def most_rows(self, wanted: int | None) -> int:
        """``wanted`` rows, or as many as a call takes; :class:`InputError` where it does not take so many."""
        if wanted and not self.rows:
            raise InputError(f"the rows of several requests cannot be one call: {self.why_no_rows}")
        if wanted and wanted > self.rows:
            raise InputError(
                f"one call takes up to {self.rows} rows, not {wanted}; convert again with a larger maximum"
            )
        return self.rows if wanted is None else wanted

    def read(self, values: Any) -> dict[str, torch.Tensor]:
        """The tensors of a request in JSON, nested lists of numbers by the names of the inputs.

        Raises:
            InputError: an input is missing, unknown, or no list of such numbers.
        """
        names = [tensor.name for tensor in self.inputs]
        if not isinstance(values, Mapping) or values.keys() != set(names):
            got = ", ".join(map(str, values)) if isinstance(values, Mapping) else type(values).__name__
            raise InputError(f"the inputs are {', '.join(names)}; got {got or 'none'}")
        return {tensor.name: tensor.read(values[tensor.name]) for tensor in self.inputs}


def interface_of(signature: Signature) -> Interface:
    """What a converted module is to clients.

    Raises:
        InputError: it cannot be served, with the reason.
    """
    if signature.state:
        paths = ", ".join(buffer.path for buffer in signature.state)
        raise InputError(f"the module keeps {paths} from call to call, which all clients of a server would share")
    if not signature.output_specs:
        raise InputError("nothing says what the module returns: something else than torch2trt.convert made its engine")
    leaves = (*signature.input_leaves, *signature.output_leaves)
    if any(leaf.kind == "complex" for leaf in leaves):
        raise InputError("the module takes or returns complex numbers, which servers have not; use torch.view_as_real")
    why_no_rows = _why_no_rows(signature)
    return Interface(
        tuple(
            Tensor(spec.name, spec.dtype, tuple(low if low == high else None for low, _, high in spec.ranges))
            for spec in signature.inputs
        ),
        tuple(_outputs(signature)),
        0 if why_no_rows else min(spec.ranges[0][2] for spec in signature.inputs),
        why_no_rows,
    )


def returned_tensors(signature: Signature, returned: Any) -> dict[str, Any]:
    """The tensors and sizes among what the module returns, by the names that clients know them by."""
    leaves = [leaf for leaf in signature.output_leaves if leaf.kind not in CHANGED]
    values = [
        value for value, leaf in zip(pytree.tree_leaves(returned), leaves, strict=True) if leaf.kind != "constant"
    ]
    return dict(zip(_output_names(signature), values, strict=True))


def _outputs(signature: Signature) -> Iterator[Tensor]:
    # what is returned comes before what is changed
    for name, spec in zip(_output_names(signature), signature.output_specs, strict=False):
        yield Tensor(name, spec.dtype, tuple(size if isinstance(size, int) else None for size in spec.sizes))


def _output_names(signature: Signature) -> list[str]:
    """``logits`` for what is returned in a dict or an object, ``output_0`` for what is returned by position."""
    leaves = [leaf for leaf in signature.output_leaves if leaf.kind not in CHANGED]
    places = pytree.tree_leaves_with_path(pytree.tree_unflatten(range(len(leaves)), signature.out_spec))
    names = [_name(path) for path, place in places if leaves[place].kind != "constant"]
    return names if len(set(names)) == len(names) else [f"output_{index}" for index in range(len(names))]


def _name(path: tuple[Any, ...]) -> str:
    """The keys on the way to a leaf, joined."""
    words = [str(getattr(key, "idx", getattr(key, "key", getattr(key, "name", key)))) for key in path] or ["0"]
    if not path or isinstance(path[0], pytree.SequenceKey):
        words[0] = f"output_{words[0]}"
    return ".".join(words)


def _why_no_rows(signature: Signature) -> str:
    """Why the rows of several requests cannot be one call's; "" where they can."""
    first, *others = signature.inputs
    equal = [pair for guard in signature.guards if (pair := _equal(guard))]
    for spec in signature.inputs:
        if not spec.ranges or spec.ranges[0][0] == spec.ranges[0][2]:
            return f"the first size of input {spec.name!r} does not vary"
        if spec.ranges[0][0] > 1:
            return f"input {spec.name!r} has {spec.ranges[0][0]} rows or more"
        if _in_profiles(spec):
            return f"the first size of input {spec.name!r} is not the same in all profiles"
    for spec in others:
        if {first.name, spec.name} not in equal:
            return f"inputs {first.name!r} and {spec.name!r} may have different first sizes"
    rows = f"{first.name}.shape[0]"
    names = [*_output_names(signature), *(f"(changed) {leaf.name}" for leaf in signature.output_leaves)]
    for name, output in zip(names, signature.output_specs, strict=False):
        if output.sizes[:1] != (rows,):
            return f"the first size of output {name!r} is not that of the inputs"
    return ""


def _equal(guard: Guard) -> set[str] | None:
    matched = _EQUAL.fullmatch(guard.condition)
    return set(matched.groups()) if matched else None


def _in_profiles(spec: TensorSpec) -> bool:
    return any(profile[0] != spec.ranges[0] for profile in spec.profiles)
