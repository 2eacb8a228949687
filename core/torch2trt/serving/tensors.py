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
from ..program.leaves import CHANGED
from ..program.signature import Signature

#: a guard that two first sizes are equal
_EQUAL: Final = re.compile(r"(\w+)\.shape\[0\] == (\w+)\.shape\[0\]")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that clients send or get."""

    name: str
    dtype: str
    #: None for a size that varies
    sizes: tuple[int | None, ...]

    def read(self, value: Any) -> torch.Tensor:
        """The tensor of nested lists of numbers; :class:`InputError` where they are none."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        try:
            found = torch.tensor(value)
            if found.numel() and found.is_floating_point() and not dtype.is_floating_point:
                raise ValueError("they have fractions")  # which PyTorch drops
            return torch.tensor(value, dtype=dtype)
        except Exception as error:  # PyTorch has many for what anybody may send
            raise InputError(f"input {self.name!r} is no {self.dtype} in lists: {error}") from error


@dataclass(frozen=True, slots=True)
class Interface:
    """What clients send and get."""

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
    if changed := [leaf.name for leaf in signature.output_leaves if leaf.kind in CHANGED]:
        raise InputError(
            f"the module changes its input {changed[0]!r} in place, which no client sees; return the value"
        )
    if any(leaf.kind == "complex" for leaf in (*signature.input_leaves, *signature.output_leaves)):
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
    pairs = zip(pytree.tree_leaves(returned), signature.output_leaves, strict=True)
    values = [value for value, leaf in pairs if leaf.kind != "constant"]
    return dict(zip(_output_names(signature), values, strict=True))


def _outputs(signature: Signature) -> Iterator[Tensor]:
    for name, spec in zip(_output_names(signature), signature.output_specs, strict=True):
        yield Tensor(name, spec.dtype, tuple(size if isinstance(size, int) else None for size in spec.sizes))


def _output_names(signature: Signature) -> list[str]:
    """``logits`` for what is returned in a dict or an object, ``output_0`` for what is returned by position."""
    leaves = signature.output_leaves
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
    if not signature.inputs:
        return "it has no inputs"
    first, *others = signature.inputs
    equal = [pair for guard in signature.guards if (pair := _equal(guard))]
    for spec in signature.inputs:
        if not spec.ranges or spec.ranges[0][0] == spec.ranges[0][2]:
            return f"the first size of input {spec.name!r} does not vary"
        if spec.ranges[0][0] > 1:
            return f"input {spec.name!r} has {spec.ranges[0][0]} rows or more"
        if any(profile[0] != spec.ranges[0] for profile in spec.profiles):
            return f"the first size of input {spec.name!r} is not the same in all profiles"
    for spec in others:
        if {first.name, spec.name} not in equal:
            return f"inputs {first.name!r} and {spec.name!r} may have different first sizes"
    rows = f"{first.name}.shape[0]"
    for name, output in zip(_output_names(signature), signature.output_specs, strict=True):
        if output.sizes[:1] != (rows,):
            return f"the first size of output {name!r} is not that of the inputs"
    return ""


def _equal(guard: Guard) -> set[str] | None:
    matched = _EQUAL.fullmatch(guard.condition)
    return set(matched.groups()) if matched else None
