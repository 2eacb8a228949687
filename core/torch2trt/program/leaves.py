"""What goes into a converted module and comes out: tensors, and the leaves of pytrees that stand for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch

from ..dtypes import carrier, short_name, why_unsupported

#: ``(min, opt, max)`` of each dimension, or element
Ranges = tuple[tuple[int, int, int], ...]
LeafKind = Literal["tensor", "complex", "size", "constant", "mutated", "state"]

#: the kinds of leaves of outputs that nobody is returned: new values of the engine's inputs
CHANGED: Final = ("mutated", "state")
#: the path of the buffer that random numbers are made of, which is the converted module's and not the model's
SEED: Final = "random_seed"
#: the value, up or down, that stands for no bound
UNBOUNDED: Final = 2**63 - 1


def as_pairs(value: Any) -> Any:
    """A complex tensor as the pairs of real numbers that it is in memory; what is none as it is."""
    complex_ = isinstance(value, torch.Tensor) and value.is_complex()
    return torch.view_as_real(value.resolve_conj()) if complex_ else value


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor that goes into an engine, as users give it; sizes are ``(min, opt, max)``, all equal where static."""

    name: str
    dtype: str
    ranges: Ranges
    #: ``(min, opt, max)`` of each element, where the model reads numbers from an input and something bounds them
    values: Ranges = ()
    #: whether the model writes into memory that it shares with an input only where that is contiguous
    contiguous: bool = False
    #: the sizes in each optimization profile, of which ``ranges`` has all; empty where they are the same in every one
    profiles: tuple[Ranges, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TensorSpec:
        """What ``dataclasses.asdict`` made of one, as JSON gives it back."""
        ranges = {key: tuple(map(tuple, data[key])) for key in ("ranges", "values")}
        return cls(**{**data, **ranges, "profiles": tuple(tuple(map(tuple, one)) for one in data["profiles"])})

    def in_profile(self, index: int) -> TensorSpec:
        """The same tensor in one profile alone."""
        return replace(self, ranges=self.profiles[index], profiles=()) if self.profiles else self

    @property
    def carrier(self) -> torch.dtype:
        """The dtype in which the engine takes it."""
        return carrier(getattr(torch, self.dtype))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape with -1 for dynamic sizes."""
        return tuple(low if low == high else -1 for low, _, high in self.ranges)

    def __str__(self) -> str:
        """``x float32[1..8, 3]``."""
        sizes = (str(low) if low == high else f"{low}..{high}" for low, _, high in self.ranges)
        return f"{self.name} {self.dtype}[{', '.join(sizes)}]"

    def why_not_a_tensor(self, value: Any) -> str | None:
        """Why ``value`` cannot be this input, whatever its sizes, with the cure; None where it can."""
        if not isinstance(value, torch.Tensor):
            return f"must be a tensor, got {type(value).__name__}"
        if value.layout is not torch.strided:
            return f"must be a dense tensor, got {value.layout}; convert it with .to_dense()"
        if short_name(value.dtype) != self.dtype:
            return f"must be {self.dtype}, got {short_name(value.dtype)}; convert it with .to(torch.{self.dtype})"
        if value.dim() != len(self.ranges):
            return f"must have {len(self.ranges)} dimensions {self.shape}, got {value.dim()}: {tuple(value.shape)}"
        if self.contiguous and not value.is_contiguous():
            return "must be contiguous, for by its layout the model writes into its memory or not; give x.contiguous()"
        return None

    def why_not_in_range(self, value: torch.Tensor) -> str | None:
        """Why the sizes or values of a tensor cannot be those of this input, with the cure; None where they can."""
        for index, (size, (low, _, high)) in enumerate(zip(value.shape, self.ranges, strict=True)):
            if not low <= size <= high:
                allowed = str(low) if low == high else f"{low} to {high}"
                return (
                    f"has size {size} in dimension {index}, the engine was built for {allowed}; "
                    "convert again with an Input(min=..., opt=..., max=...) that covers it"
                )
        return self._why_value_not_accepted(value) if self.values else None

    def _why_value_not_accepted(self, value: torch.Tensor) -> str | None:
        """As the model's own checks say; waits for the GPU where the tensor is there, as ``item`` does."""
        for index, (number, (low, _, high)) in enumerate(zip(value.flatten().tolist(), self.values, strict=True)):
            if not low <= number <= high:
                where = f" in element {index}" if len(self.values) > 1 else ""
                allowed = str(low) if low == high else f"{_bound(low)} to {_bound(high)}"
                return (
                    f"has the value {number}{where}, the model allows {allowed}; "
                    "state the range that you need with torch._check in the model and convert again"
                )
        return None


def why_no_inputs(specs: Sequence[TensorSpec]) -> str | None:
    """What is impossible in the inputs of an engine; None where nothing is."""
    if len({len(spec.profiles) for spec in specs if spec.profiles}) > 1:
        return "its inputs have different numbers of profiles"
    return next(filter(None, map(_why_no_input, specs)), None)


def _why_no_input(spec: TensorSpec) -> str | None:
    dtype = getattr(torch, spec.dtype, None)
    if not isinstance(dtype, torch.dtype) or why_unsupported(spec.carrier):
        return f"input {spec.name!r:.60} has the dtype {spec.dtype!r:.60}"
    if not all(0 <= low <= best <= high for low, best, high in spec.ranges):
        return f"input {spec.name!r:.60} has the sizes {spec.ranges!r:.60}"
    for profile in spec.profiles:
        inside = len(profile) == len(spec.ranges) and all(
            first <= low <= best <= high <= last
            for (low, best, high), (first, _, last) in zip(profile, spec.ranges, strict=True)
        )
        if not inside:
            return f"input {spec.name!r:.60} has a profile of the sizes {profile!r:.60}"
    if spec.values and len(spec.values) != math.prod(low for low, _, _ in spec.ranges):
        return f"input {spec.name!r:.60} has {len(spec.values)} values"
    return None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """A tensor that an engine gives, in the dtype that users get."""

    dtype: str
    #: numbers, Python in the sizes of inputs such as ``2*x.shape[0]``, or "" where nothing says it before the call
    sizes: tuple[int | str, ...]

    def __str__(self) -> str:
        """``float32[x.shape[0], 3]``."""
        return f"{self.dtype}[{', '.join(str(size) or '?' for size in self.sizes)}]"


def _bound(number: int) -> str:
    return str(number) if abs(number) < UNBOUNDED else "any"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the inputs or outputs.

    ``tensor``: the engine's tensor ``name``; ``size``: the same, a Python int outside; ``constant``: always ``value``;
    ``mutated`` (outputs only): the new value of input ``name``, which the model changes in place; ``state`` (outputs
    only): the same of a buffer, which is the engine's input ``name`` and none of the user's.
    """

    kind: LeafKind
    name: str = ""
    value: Any = None
    #: of a tensor that is returned, its dtype where the engine returns it in another one
    dtype: str = ""

    def given_back(self, tensor: torch.Tensor) -> torch.Tensor | int:
        """What users get of an engine's output."""
        tensor = torch.view_as_complex(tensor.contiguous()) if self.kind == "complex" else tensor
        tensor = tensor.to(getattr(torch, self.dtype)) if self.dtype else tensor
        return int(tensor) if self.kind == "size" else tensor


@dataclass(frozen=True, slots=True)
class Buffer:
    """A buffer that the model writes when it is called: the converted module keeps it from call to call."""

    #: the engine's input
    name: str
    #: where it is in the model, such as ``layers.0.keys``; or :data:`SEED`
    path: str
    #: whether it is among the values of a state dict
    persistent: bool

    @property
    def is_seed(self) -> bool:
        """Whether it is the seed of random numbers, which no model has."""
        return self.path == SEED
