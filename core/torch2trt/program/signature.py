"""The calling convention of a converted module: pytrees outside, named tensors inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch.utils import _pytree as pytree

from ..dtypes import short_name
from ..errors import InputError
from . import structure

LeafKind = Literal["tensor", "size", "constant", "mutated"]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A named tensor of an engine; sizes are ``(min, opt, max)``, all equal where static."""

    name: str
    dtype: str
    ranges: tuple[tuple[int, int, int], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape with -1 for dynamic sizes."""
        return tuple(low if low == high else -1 for low, _, high in self.ranges)

    def __str__(self) -> str:
        """``x float32[1..8, 3]``."""
        sizes = (str(low) if low == high else f"{low}..{high}" for low, _, high in self.ranges)
        return f"{self.name} {self.dtype}[{', '.join(sizes)}]"

    def why_not_accepted(self, value: Any) -> str | None:
        """Why ``value`` cannot be this input, with the cure; None where it can."""
        if not isinstance(value, torch.Tensor):
            return f"must be a tensor, got {type(value).__name__}"
        if short_name(value.dtype) != self.dtype:
            return f"must be {self.dtype}, got {short_name(value.dtype)}; convert it with .to(torch.{self.dtype})"
        if value.dim() != len(self.ranges):
            return f"must have {len(self.ranges)} dimensions {self.shape}, got {value.dim()}: {tuple(value.shape)}"
        for index, (size, (low, _, high)) in enumerate(zip(value.shape, self.ranges, strict=True)):
            if not low <= size <= high:
                allowed = str(low) if low == high else f"{low} to {high}"
                return (
                    f"has size {size} in dimension {index}, the engine was built for {allowed}; "
                    "convert again with an Input(min=..., opt=..., max=...) that covers it"
                )
        return None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the inputs or outputs.

    ``tensor``: the engine's tensor ``name``; ``size``: the same, a Python int outside; ``constant``: always ``value``;
    ``mutated`` (outputs only): the new value of input ``name``, which the model changes in place.
    """

    kind: LeafKind
    name: str = ""
    value: Any = None


@dataclass(frozen=True)
class Signature:
    """How calls of the converted module map to tensors of the engine and back."""

    inputs: tuple[TensorSpec, ...]
    #: the leaves of ``(args, kwargs)``
    input_leaves: tuple[Leaf, ...]
    in_spec: pytree.TreeSpec
    #: names of the original forward's positional parameters
    parameters: tuple[str, ...]
    #: the engine's output names, in order
    outputs: tuple[str, ...]
    #: the leaves of what the module returns, then those it changes in place
    output_leaves: tuple[Leaf, ...]
    out_spec: pytree.TreeSpec
    #: the positional parameters that were left out at conversion, with their defaults
    omitted: tuple[tuple[str, Any], ...] = ()

    def flatten(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """The engine's inputs of one call, each checked; :class:`InputError` says what does not fit and the cure."""
        leaves, spec = pytree.tree_flatten(self._bind(args, kwargs))
        if spec != self.in_spec:
            raise InputError(f"the inputs have the structure {spec}, the module was converted with {self.in_spec}")
        tensors: dict[str, torch.Tensor] = {}
        specs = {spec.name: spec for spec in self.inputs}
        for leaf, value in zip(self.input_leaves, leaves, strict=True):
            if leaf.kind == "constant":
                if value is not leaf.value and value != leaf.value:
                    raise InputError(
                        f"input {leaf.name!r} was {leaf.value!r} at conversion and is fixed, got {value!r}"
                    )
                continue
            if reason := specs[leaf.name].why_not_accepted(value):
                raise InputError(f"input {leaf.name!r} {reason}")
            tensors[leaf.name] = value
        devices = {value.device for value in tensors.values()}
        if len(devices) > 1:
            raise InputError(f"the inputs are on different devices ({', '.join(sorted(map(str, devices)))})")
        return tensors

    def unflatten(self, outputs: Mapping[str, torch.Tensor], inputs: Mapping[str, torch.Tensor]) -> Any:
        """What the original module returns, from the engine's outputs; inputs that it changes in place are changed."""
        values: list[Any] = []
        for leaf, output in zip(self.output_leaves, self._outputs(outputs), strict=True):
            if leaf.kind == "mutated":
                inputs[leaf.name].copy_(output)
            else:
                values.append(output)
        return pytree.tree_unflatten(values, self.out_spec)

    def _outputs(self, outputs: Mapping[str, torch.Tensor]) -> list[Any]:
        names = iter(self.outputs)
        values: list[Any] = []
        for leaf in self.output_leaves:
            if leaf.kind == "constant":
                values.append(leaf.value)
            else:
                tensor = outputs[next(names)]
                values.append(int(tensor) if leaf.kind == "size" else tensor)
        return values

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call as the model was traced: what was positional positional, keywords in the order of the trace."""
        traced_args, traced_kwargs = self.in_spec.children()
        count, names = traced_args.num_children, traced_kwargs.context or []
        given, keywords = list(args), dict(kwargs)
        for name in self.parameters[len(given) : count]:
            if name not in keywords:
                raise InputError(
                    f"missing input {name!r}; the module was converted with {self._describe(count, names)}"
                )
            given.append(keywords.pop(name))
        self._drop_omitted(given, keywords)
        for index, name in enumerate(self.parameters[count : len(given)], count):
            keywords[name] = given[index]
        del given[count : len(self.parameters)]
        missing = [name for name in names if name not in keywords]
        unknown = [name for name in keywords if name not in names]
        if missing or unknown or len(given) != count:
            what = ", ".join([f"missing {name!r}" for name in missing] + [f"unexpected {name!r}" for name in unknown])
            raise InputError(
                f"{what or f'{len(args)} positional inputs'}; "
                f"the module was converted with {self._describe(count, names)}"
            )
        return tuple(given), {name: keywords[name] for name in names}

    def _drop_omitted(self, given: list[Any], keywords: dict[str, Any]) -> None:
        """Take out what says again what was left out at conversion; it cannot be anything else."""
        extra = given[len(self.parameters) : len(self.parameters) + len(self.omitted)]
        named = [(n, default, keywords.pop(n)) for n, default in self.omitted if n in keywords]
        placed = [(n, default, value) for (n, default), value in zip(self.omitted, extra, strict=False)]
        for name, default, value in placed + named:
            if isinstance(value, torch.Tensor) or value != default:
                raise InputError(
                    f"input {name!r} was left out at conversion and is fixed at {default!r}; convert again with it"
                )
        del given[len(self.parameters) : len(self.parameters) + len(extra)]

    def _describe(self, count: int, names: Sequence[str]) -> str:
        return f"the inputs ({', '.join([*self.parameters[:count], *names])})"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values; :class:`EngineError` where a pytree node cannot be written."""
        leaves = [[asdict(leaf) for leaf in group] for group in (self.input_leaves, self.output_leaves)]
        return {
            "inputs": [asdict(spec) for spec in self.inputs],
            "outputs": list(self.outputs),
            "parameters": list(self.parameters),
            "omitted": [list(pair) for pair in self.omitted],
            "in_spec": structure.dump(self.in_spec),
            "out_spec": structure.dump(self.out_spec),
            "input_leaves": leaves[0],
            "output_leaves": leaves[1],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """The signature that :meth:`to_dict` wrote; :class:`EngineError` where a pytree node is not registered here."""
        return cls(
            inputs=tuple(
                TensorSpec(spec["name"], spec["dtype"], tuple(tuple(r) for r in spec["ranges"]))
                for spec in data["inputs"]
            ),
            input_leaves=tuple(Leaf(**leaf) for leaf in data["input_leaves"]),
            in_spec=structure.load(data["in_spec"]),
            parameters=tuple(data["parameters"]),
            outputs=tuple(data["outputs"]),
            output_leaves=tuple(Leaf(**leaf) for leaf in data["output_leaves"]),
            out_spec=structure.load(data["out_spec"]),
            omitted=tuple((name, default) for name, default in data["omitted"]),
        )
