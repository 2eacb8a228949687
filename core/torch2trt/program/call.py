"""One call of a captured program: what is called, with which operands, and where in the user's model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch.utils import _pytree as pytree

from ..dtypes import short_name

#: ``operator``: an overload or arithmetic on sizes; ``function`` and ``module``: a call that is kept whole
Level = Literal["operator", "function", "module"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a call calls.  Two names of one object are the same target."""

    name: str = field(compare=False)
    level: Level
    #: the overload, the function, or the class's ``forward``
    obj: Callable[..., Any]

    @property
    def overload(self) -> torch._ops.OpOverload | None:
        """The operator overload, where it is one."""
        return self.obj if isinstance(self.obj, torch._ops.OpOverload) else None


@dataclass(frozen=True, slots=True)
class Ref:
    """An operand that is a value of the program: an input, a constant, or a result of an earlier call."""

    kind: Literal["input", "constant", "call"]
    #: of the input, the constant or the call
    name: str
    #: which leaf of the call's results, where it has several
    index: int | None = None

    def __str__(self) -> str:
        """``%add_1``, ``%split[2]``, ``layer.weight``."""
        name = self.name if self.kind == "constant" else f"%{self.name}"
        return name if self.index is None else f"{name}[{self.index}]"


@dataclass(frozen=True, eq=False)
class ModuleOperand:
    """The module of a call at module level, with the values of its parameters and buffers."""

    module: torch.nn.Module
    state: Mapping[str, Ref]
    #: the names of those that are not constant, which no converter of a module can see
    varying: tuple[str, ...] = ()

    def bind(self, value: Callable[[Ref], Any]) -> torch.nn.Module:
        """The module where the values are its own, else a copy that holds them (after a change of precision, say)."""
        own = state_of(self.module)
        other = {}
        for name, ref in self.state.items():
            tensor = value(ref)
            if type(tensor) in (torch.Tensor, torch.nn.Parameter) and not _same_memory(tensor, own[name]):
                is_parameter = isinstance(own[name], torch.nn.Parameter)
                other[id(own[name])] = torch.nn.Parameter(tensor, False) if is_parameter else tensor
        return copy.deepcopy(self.module, memo=other) if other else self.module

    def __str__(self) -> str:
        """The name of the module's class."""
        return type(self.module).__name__


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of an operator, a function or a module in the program.

    ``args`` and ``kwargs`` are example values: runtime tensors are FakeTensors (shape and dtype, dynamic sizes as
    SymInts), parameters, buffers and constants are the real ones.  ``result`` is what PyTorch returns: a FakeTensor, a
    SymInt, or a pytree of them.
    """

    target: Target
    #: unique in the program, the same in every run
    name: str
    #: ``(args, kwargs)`` with a :class:`Ref` for every value of the program, a ``Program`` for every subprogram
    operands: tuple[tuple[Any, ...], dict[str, Any]]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    #: dotted path of the module that makes the call ("" is the model itself) and the name of its type
    module_path: str = ""
    module_type: str = ""
    #: ``file.py:41`` of the innermost line outside of PyTorch, or ""
    source: str = ""
    #: which of several results the program uses; None where all of them may be
    used: frozenset[int] | None = None
    #: why the converters of the call that this one came of declined that call
    declined: tuple[str, ...] = ()
    #: the wider dtype that the model computes the call in; empty where the network computes in the model's own
    narrowed: str = ""
    #: what keeps the call in float32 where the network computes in a lower precision; empty where nothing does
    kept: str = ""

    @property
    def results(self) -> tuple[Any, ...]:
        """The leaves of ``result`` in pytree order: what a converter returns one tensor for each of."""
        return tuple(pytree.tree_leaves(self.result))

    @property
    def refs(self) -> Iterator[Ref]:
        """Every value of the program that the call uses."""
        for operand in pytree.tree_leaves(self.operands):
            if isinstance(operand, Ref):
                yield operand
            elif isinstance(operand, ModuleOperand):
                yield from operand.state.values()

    def bind(self, value: Callable[[Ref], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """``(args, kwargs)`` with ``value`` of each :class:`Ref` in its place."""
        return bind(self.operands, value)

    def uses(self, index: int) -> bool:
        """Whether the program uses result ``index``; a converter may return None for one that it does not."""
        return self.used is None or index in self.used

    def run(self, args: Any, kwargs: Any) -> list[Any]:
        """The leaves of what PyTorch returns for these arguments; what it writes to them comes after its results."""
        overload = self.target.overload
        if overload is None or not overload._schema.is_mutable:
            return pytree.tree_leaves(self.target.obj(*args, **kwargs))
        args, kwargs = pytree.tree_map_only(torch.Tensor, torch.clone, (args, kwargs))
        returned = self.target.obj(*args, **kwargs)
        results = pytree.tree_leaves(returned) if overload._schema.returns else []
        given = {**dict(zip((a.name for a in overload._schema.arguments), args, strict=False)), **kwargs}
        return [*results, *(given[a.name] for a in written_arguments(overload) if given[a.name] is not None)]

    @property
    def where(self) -> str:
        """``encoder.ln (LayerNorm) at model.py:41``."""
        module = f"{self.module_path} ({self.module_type})" if self.module_path else self.module_type or "the model"
        return f"{module} at {self.source}" if self.source else module

    def named_arguments(self) -> dict[str, Any]:
        """All arguments of an operator by the names of its schema, defaults included; nothing for other calls."""
        overload = self.target.overload
        if overload is None:
            return {}
        arguments = overload._schema.arguments
        given = {**dict(zip((argument.name for argument in arguments), self.args, strict=False)), **self.kwargs}
        return {argument.name: given.get(argument.name, argument.default_value) for argument in arguments}

    def describe_arguments(self) -> str:
        """The arguments in short: ``float32[2, 8], [8], eps=1e-05``."""
        return describe_arguments(self.args, self.kwargs)

    def to_dict(self) -> dict[str, Any]:
        """The call as JSON-able values."""
        args, kwargs = self.operands
        return {
            "name": self.name,
            "target": self.target.name,
            "level": self.target.level,
            "args": _jsonable(list(args)),
            "kwargs": _jsonable(kwargs),
            "results": [describe(value) for value in self.results],
            "module": self.module_path,
            "module_type": self.module_type,
            "source": self.source,
            "narrowed": self.narrowed,
            "kept": self.kept,
        }

    def __str__(self) -> str:
        """``%add_1 = aten.add.Tensor(%x, 1) -> float32[2]``."""
        args, kwargs = self.operands
        results = ", ".join(describe(value) for value in self.results)
        return f"%{self.name} = {self.target.name}({describe_arguments(args, kwargs)}) -> {results}"


def written_arguments(overload: torch._ops.OpOverload) -> list[Any]:
    """The arguments that an operator writes in place, as its schema has them."""
    return [a for a in overload._schema.arguments if a.alias_info is not None and a.alias_info.is_write]


def bind(operands: tuple[tuple[Any, ...], dict[str, Any]], value: Callable[[Ref], Any]) -> tuple[Any, Any]:
    """``operands`` with ``value`` of each :class:`Ref` in its place."""

    def bound(operand: Any) -> Any:
        if isinstance(operand, Ref):
            return value(operand)
        if isinstance(operand, ModuleOperand):
            return operand.bind(value)
        return operand

    args, kwargs = pytree.tree_map(bound, operands)
    return tuple(args), kwargs


def describe_arguments(args: Any, kwargs: Mapping[str, Any], describe_one: Callable[[Any], str] | None = None) -> str:
    """Arguments in short, as they stand in a call."""
    one = describe_one or describe
    return ", ".join([*map(one, args), *(f"{name}={one(value)}" for name, value in kwargs.items())])


def describe(value: Any) -> str:
    """A short text for an argument: tensors by dtype and shape."""
    if isinstance(value, torch.Tensor):
        return f"{short_name(value.dtype)}[{', '.join(str(size) for size in value.shape)}]"
    if isinstance(value, torch.nn.Module):
        return type(value).__name__
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(describe, value)) + "]"
    return str(value).partition("\n")[0]  # of a subprogram its name


def state_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A module's parameters and buffers by their names."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _same_memory(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.dtype == second.dtype and first.data_ptr() == second.data_ptr()


def _jsonable(operand: Any) -> Any:
    if operand is None or isinstance(operand, (bool, int, float, str)):
        return operand
    if isinstance(operand, (list, tuple)):
        return [_jsonable(item) for item in operand]
    if isinstance(operand, dict):
        return {str(key): _jsonable(item) for key, item in operand.items()}
    if isinstance(operand, Ref):
        index = {} if operand.index is None else {"index": operand.index}
        return {operand.kind: operand.name, **index}
    if isinstance(operand, ModuleOperand):
        state = {name: _jsonable(ref) for name, ref in operand.state.items()}
        return {"module": str(operand), "attributes": _attributes(operand.module), "state": state}
    return operand.to_dict() if hasattr(operand, "to_dict") else repr(operand)


def _attributes(module: torch.nn.Module) -> dict[str, str]:
    """What a module holds beside its state: hyperparameters, by their path."""
    return {
        f"{path}.{name}".removeprefix("."): repr(value)
        for path, child in module.named_modules()
        for name, value in vars(child).items()
        if not name.startswith("_") and not callable(value)
    }
