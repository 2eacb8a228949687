"""The calling convention of a converted module: pytrees outside, named tensors inside."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..errors import EngineError, InputError
from . import structure
from .guards import Guard, compiled
from .leaves import Leaf, TensorSpec
from .straight import Straight, straight_path


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
    #: the conditions on the sizes of the inputs under which the program computes what the model does
    guards: tuple[Guard, ...] = ()

    @functools.cached_property
    def _straight(self) -> Straight | None:
        """The checks of calls with tensors by position and nothing else, where the module takes no other."""
        args, kwargs = self.in_spec.children()
        flat = kwargs.num_children == 0 and all(child.is_leaf() for child in args.children())
        changes = any(leaf.kind == "mutated" for leaf in self.output_leaves)
        if not flat or changes or not self.inputs or any(leaf.kind != "tensor" for leaf in self.input_leaves):
            return None
        if any(spec.values for spec in self.inputs):
            return None
        specs = {spec.name: spec for spec in self.inputs}
        return straight_path([specs[leaf.name] for leaf in self.input_leaves], self.guards)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone; functions of them cannot be pickled."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def flatten(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """The engine's inputs of one call, each checked; :class:`InputError` says what does not fit and the cure."""
        if self._straight is not None and not kwargs and (straight := self._straight(args)) is not None:
            return straight
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
            if reason := specs[leaf.name].why_not_a_tensor(value):
                raise InputError(f"input {leaf.name!r} {reason}")
            tensors[leaf.name] = value
        self._check_guards(tensors)
        for name, tensor in tensors.items():
            if reason := specs[name].why_not_in_range(tensor):
                raise InputError(f"input {name!r} {reason}")
        devices = {value.device for name, value in tensors.items() if not specs[name].values}
        if len(devices) > 1:
            raise InputError(f"the inputs are on different devices ({', '.join(sorted(map(str, devices)))})")
        return tensors

    def _check_guards(self, tensors: Mapping[str, torch.Tensor]) -> None:
        for guard in self.guards:
            condition = compiled(guard.condition)
            sizes = {f"{name}.shape[{dim}]": tensors[name].shape[dim] for name, dim in condition.sizes}
            if not condition.holds(*sizes.values()):
                got = ", ".join(f"{name} = {size}" for name, size in sizes.items())
                where = f" at {guard.source}" if guard.source else ""
                raise InputError(
                    f"{got}, and the converted module holds where {guard.condition}: with other sizes the model "
                    f"computes something else{where}; convert it again with an example of these sizes"
                )

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
            "guards": [asdict(guard) for guard in self.guards],
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
                TensorSpec(
                    spec["name"],
                    spec["dtype"],
                    *(tuple(tuple(r) for r in spec[key]) for key in ("ranges", "values")),
                )
                for spec in data["inputs"]
            ),
            input_leaves=tuple(Leaf(**leaf) for leaf in data["input_leaves"]),
            in_spec=structure.load(data["in_spec"]),
            parameters=tuple(data["parameters"]),
            outputs=tuple(data["outputs"]),
            output_leaves=tuple(Leaf(**leaf) for leaf in data["output_leaves"]),
            out_spec=structure.load(data["out_spec"]),
            omitted=tuple((name, default) for name, default in data["omitted"]),
            guards=_guards(data["guards"]),
        )


def _guards(data: Sequence[Mapping[str, Any]]) -> tuple[Guard, ...]:
    guards = tuple(Guard(**guard) for guard in data)
    for guard in guards:
        try:
            compiled(guard.condition)
        except InputError as error:
            raise EngineError(f"the saved module cannot be trusted: {error}") from error
    return guards
