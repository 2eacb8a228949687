"""The calling convention of a converted module: pytrees outside, named tensors inside."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..dtypes import short_name
from ..errors import InputError
from . import structure
from .binding import in_order, same, shown
from .guards import Guard, compiled, from_file
from .leaves import CHANGED, Buffer, Leaf, OutputSpec, TensorSpec, as_pairs
from .memory import overlap
from .profiles import in_profiles, why_in_none
from .state import WithState, with_state
from .straight import Straight, straight_path


@dataclass(frozen=True)
class Signature:
    """How calls of the converted module map to tensors of the engine and back."""

    #: what the engine takes: first what users give, then the state
    inputs: tuple[TensorSpec, ...]
    #: the leaves of ``(args, kwargs)``
    input_leaves: tuple[Leaf, ...]
    in_spec: pytree.TreeSpec
    #: the names of what may be given by position, also of what was left out at conversion
    parameters: tuple[str, ...]
    #: the engine's output names, in order
    outputs: tuple[str, ...]
    #: the leaves of what the module returns, then those it changes in place, the state among them
    output_leaves: tuple[Leaf, ...]
    out_spec: pytree.TreeSpec
    #: what was left out at conversion and has a default that is a number, a text, a flag or None
    omitted: tuple[tuple[str, Any], ...] = ()
    #: the conditions on the sizes of the inputs under which the program computes what the model does
    guards: tuple[Guard, ...] = ()
    #: the buffers that the model writes, in the order of their inputs
    state: tuple[Buffer, ...] = ()
    #: an input's name here and in the engine, where somebody chose another one
    tensor_names: tuple[tuple[str, str], ...] = ()
    #: what each of ``outputs`` is; empty where something else than a capture made the engine
    output_specs: tuple[OutputSpec, ...] = ()

    @functools.cached_property
    def _straight(self) -> Straight | None:
        """The checks of calls with tensors by position and by name, where the module takes nothing else."""
        flat = all(child.is_leaf() for group in self.in_spec.children() for child in group.children())
        changes = any(leaf.kind == "mutated" for leaf in self.output_leaves)
        if not flat or changes or not self.input_leaves or any(leaf.kind != "tensor" for leaf in self.input_leaves):
            return None
        specs = [self._specs[leaf.name] for leaf in self.input_leaves]
        return None if any(spec.values or spec.contiguous for spec in specs) else straight_path(specs, self.guards)

    @functools.cached_property
    def with_state(self) -> WithState:
        """Adds the module's own buffers, in the order of ``state``, to the inputs of a call; they are checked."""
        return with_state(self.state, self._specs)

    @functools.cached_property
    def _specs(self) -> dict[str, TensorSpec]:
        """The engine's inputs by name."""
        return {spec.name: spec for spec in self.inputs}

    @functools.cached_property
    def _line(self) -> tuple[int, tuple[str, ...]]:
        """How many inputs were given by position, and the names of all, in the order of the trace."""
        args, kwargs = self.in_spec.children()
        count = args.num_children
        return count, (*self.parameters[:count], *(kwargs.context or ()))

    def _in_line(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[Any]:
        """The inputs in the order of the trace, as far as the call names each once; too few where it does not."""
        count, names = self._line
        if len(args) > count:
            return ()
        if not kwargs:
            return args
        try:
            given = [kwargs[name] for name in names[len(args) :]]
        except KeyError:
            return ()
        return (*args, *given) if len(given) == len(kwargs) else ()

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone; functions of them cannot be pickled."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def flatten(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """The engine's inputs of one call, each checked; :class:`InputError` says what does not fit and the cure."""
        if self._straight is not None and (straight := self._straight(self._in_line(args, kwargs))) is not None:
            return straight
        bound = self._bind(args, kwargs)
        leaves, spec = pytree.tree_flatten(bound)
        if spec != self.in_spec:
            leaves = pytree.tree_leaves(self._in_order(*bound))
        tensors: dict[str, torch.Tensor] = {}
        for leaf, value in zip(self.input_leaves, leaves, strict=True):
            if leaf.kind == "constant":
                if not same(value, leaf.value):
                    raise InputError(
                        f"input {leaf.name!r} was {leaf.value!r} at conversion and is fixed, got {value!r}"
                    )
                continue
            given = as_pairs(value) if leaf.kind == "complex" else value
            if leaf.kind == "complex" and given is value:
                raise InputError(f"input {leaf.name!r} must be a complex tensor; convert it with .to(torch.complex64)")
            if reason := self._specs[leaf.name].why_not_a_tensor(given):
                raise InputError(f"input {leaf.name!r} {reason}")
            tensors[leaf.name] = given
        self._check_guards(tensors)
        for name, tensor in tensors.items():
            if reason := self._specs[name].why_not_in_range(tensor):
                raise InputError(f"input {name!r} {reason}")
        if reason := why_in_none(in_profiles(self.inputs), tensors):
            raise InputError(reason)
        devices = {value.device for name, value in tensors.items() if not self._specs[name].values}
        if len(devices) > 1:
            raise InputError(f"the inputs are on different devices ({', '.join(sorted(map(str, devices)))})")
        self._check_apart(tensors)
        return tensors

    def _check_apart(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """That no input that is changed in place has memory in common with another, which would change too."""
        for leaf in self.output_leaves:
            for name, tensor in tensors.items() if leaf.kind == "mutated" else ():
                if name != leaf.name and overlap(tensor, tensors[leaf.name]):
                    raise InputError(
                        f"the model changes input {leaf.name!r} in place, and input {name!r} has memory in common "
                        "with it; give a copy of one of them with .clone()"
                    )

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

    @functools.cached_property
    def _carried(self) -> dict[str, torch.dtype]:
        """The inputs that the engine takes in another dtype, and which."""
        return {spec.name: spec.carrier for spec in self.inputs if short_name(spec.carrier) != spec.dtype}

    def carried(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The inputs of one call in the dtypes in which the engine takes them."""
        if not self._carried:
            return tensors
        return {**tensors, **{name: tensors[name].to(dtype) for name, dtype in self._carried.items()}}

    def unflatten(self, outputs: Mapping[str, torch.Tensor], inputs: Mapping[str, torch.Tensor]) -> Any:
        """What the original module returns, from the engine's outputs; inputs and state that it changes are changed."""
        if self._only is not None:
            return outputs[self._only]
        names = iter(self.outputs)
        values: list[Any] = []
        for leaf in self.output_leaves:
            value: Any = leaf.value if leaf.kind == "constant" else leaf.given_back(outputs[next(names)])
            if leaf.kind in CHANGED:
                inputs[leaf.name].copy_(value)
            else:
                values.append(value)
        return pytree.tree_unflatten(values, self.out_spec)

    @functools.cached_property
    def _only(self) -> str | None:
        """The output that is returned as it is, where a module returns and changes nothing else."""
        plain = self.out_spec.is_leaf() and self.output_leaves == (Leaf("tensor"),)
        return self.outputs[0] if plain else None

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The call as the model was traced: what was positional positional, keywords in the order of the trace."""
        count, names = self._line
        placed = dict(zip(self.parameters, args, strict=False))
        named = {**placed, **kwargs}
        for name, default in self.omitted:
            if name in named and not same(named.pop(name), default):
                raise InputError(
                    f"input {name!r} was left out at conversion and is fixed at {default!r}; convert again with it"
                )
        problems = [f"missing input {name!r}" for name in names if name not in named]
        problems += [
            f"{name!r}, which was left out at conversion" if name in self.parameters else f"unexpected {name!r}"
            for name in named
            if name not in names
        ]
        problems += [f"{name!r} by place and by name" for name in placed if name in kwargs]
        if problems or len(args) > len(self.parameters):
            raise InputError(
                f"{', '.join(problems) or f'{len(args)} positional inputs'}; "
                f"the module was converted with the inputs ({', '.join(names)})"
            )
        values = [named[name] for name in names]
        return tuple(values[:count]), dict(zip(names[count:], values[count:], strict=True))

    def _in_order(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The inputs with their dicts in the order of the trace; :class:`InputError` where the structure is another."""
        traced_args, traced_kwargs = self.in_spec.children()
        specs = [*traced_args.children(), *traced_kwargs.children()]
        _, names = self._line
        values = [*args, *kwargs.values()]
        ordered = [in_order(value, spec) for value, spec in zip(values, specs, strict=True)]
        for name, value, spec in zip(names, ordered, specs, strict=True):
            if (found := pytree.tree_structure(value)) != spec:
                raise InputError(f"input {name!r} must have the structure {shown(spec)}, got {shown(found)}")
        return ordered

    def to_dict(self) -> dict[str, Any]:
        """JSON-able values; :class:`EngineError` where a pytree node cannot be written."""
        tables = ("inputs", "input_leaves", "output_leaves", "output_specs", "guards", "state")
        return {
            **{name: [asdict(row) for row in getattr(self, name)] for name in tables},
            "outputs": list(self.outputs),
            "parameters": list(self.parameters),
            "omitted": [list(pair) for pair in self.omitted],
            "in_spec": structure.dump(self.in_spec),
            "out_spec": structure.dump(self.out_spec),
            "tensor_names": [list(pair) for pair in self.tensor_names],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """The signature that :meth:`to_dict` wrote; :class:`EngineError` where a pytree node is not registered here."""
        return cls(
            inputs=tuple(map(TensorSpec.from_dict, data["inputs"])),
            input_leaves=tuple(Leaf(**leaf) for leaf in data["input_leaves"]),
            in_spec=structure.load(data["in_spec"]),
            parameters=tuple(data["parameters"]),
            outputs=tuple(data["outputs"]),
            output_leaves=tuple(Leaf(**leaf) for leaf in data["output_leaves"]),
            out_spec=structure.load(data["out_spec"]),
            omitted=tuple((name, default) for name, default in data["omitted"]),
            guards=from_file(data["guards"]),
            state=tuple(Buffer(**buffer) for buffer in data["state"]),
            tensor_names=tuple((name, chosen) for name, chosen in data["tensor_names"]),
            output_specs=tuple(OutputSpec(spec["dtype"], tuple(spec["sizes"])) for spec in data["output_specs"]),
        )
