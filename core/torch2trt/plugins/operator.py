"""A PyTorch operator as a TensorRT plugin: its name, and its arguments as tensors and attributes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

#: what an attribute may be, by the names of the schema
_ATTRIBUTES: Final = ("int", "float", "bool", "str", "number", "ScalarType", "List[int]", "List[float]", "List[bool]")
_TENSORS: Final = ("Tensor", "List[Tensor]")
#: the count of an optional tensor, or of a list of tensors, that is not given
_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator overload that plugin layers run."""

    overload: torch._ops.OpOverload
    #: of the plugin: engines that were built with another one need that one
    version: str

    @property
    def namespace(self) -> str:
        """``mylab`` of ``mylab::fused``."""
        return str(self.overload.namespace)

    @property
    def name(self) -> str:
        """``fused`` of ``mylab::fused``, ``fused.out`` of another overload."""
        return str(self.overload).removeprefix(f"{self.namespace}.").removesuffix(".default")

    @property
    def attributes(self) -> list[str]:
        """The arguments that are no tensors, or that say how many tensors there are."""
        return [argument.name for argument in self._schema if str(argument.type) != "Tensor"]

    def split(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The tensors of a call in order, and its attributes by name; those that are None are left out."""
        given = {**dict(zip((argument.name for argument in self._schema), args, strict=False)), **kwargs}
        tensors: list[Any] = []
        attributes: dict[str, Any] = {}
        for argument in self._schema:
            value = given.get(argument.name, argument.default_value)
            kind = _bare(argument.type)
            if kind not in _TENSORS:
                attributes[argument.name] = value
                continue
            own = [] if value is None else [value] if kind == "Tensor" else list(value)
            tensors += own
            if str(argument.type) != "Tensor":
                attributes[argument.name] = _NONE if value is None else len(own)
        return tensors, {name: value for name, value in attributes.items() if value is not None}

    def joined(self, tensors: Iterable[Any], attributes: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call, of what :meth:`split` gave."""
        rest = iter(tensors)
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for argument in self._schema:
            value = attributes.get(argument.name)
            kind = _bare(argument.type)
            if str(argument.type) == "Tensor":
                value = next(rest)
            elif kind in _TENSORS:
                count: int = attributes[argument.name]
                own = list(itertools.islice(rest, max(count, 0)))
                value = None if count == _NONE else own if kind == "List[Tensor]" else own[0]
            if argument.kwarg_only:
                kwargs[argument.name] = value
            else:
                args.append(value)
        return args, kwargs

    def from_numbers(self, name: str, value: Any) -> Any:
        """An attribute, of the string or the list of numbers that a plugin field holds."""
        argument = next(argument for argument in self._schema if argument.name == name)
        kind = _bare(argument.real_type)
        if kind == "ScalarType":
            return getattr(torch, value)
        is_list = kind.startswith("List[") and kind not in _TENSORS
        return value if is_list or isinstance(value, str) else value[0]

    def why_not_attributes(self, attributes: Mapping[str, Any]) -> str | None:
        """Why an engine cannot keep these attributes of a call; None where it can."""
        for argument in self._schema:
            kind = _bare(argument.real_type)
            value = attributes.get(argument.name)
            if value is None or kind in _TENSORS:
                continue
            if kind not in _ATTRIBUTES:
                return f"its argument {argument.name} is a {kind}, which a plugin cannot keep in an engine"
            values = value if isinstance(value, (list, tuple)) else [value]
            if any(isinstance(one, (torch.SymInt, torch.SymFloat, torch.SymBool)) for one in values):
                return f"its argument {argument.name} varies, and a plugin's attributes are constants"
        return None

    @property
    def _schema(self) -> Iterator[Any]:
        return iter(self.overload._schema.arguments)


def _bare(kind: Any) -> str:
    """The name of a schema's type without ``Optional``."""
    name = str(kind)
    return name.removeprefix("Optional[").removesuffix("]") if name.startswith("Optional[") else name
