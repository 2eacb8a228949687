"""Nested inputs and outputs as flat lists of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


class Flattener:
    """Lists, tuples and dicts with an index for each value that is taken out of them.

    Args:
        schema: the structure, with an index in place of each value that is taken and None for all others.
        size: how many there are.
    """

    def __init__(self, schema: Any, size: int) -> None:
        self.schema, self.size = schema, size

    @staticmethod
    def from_value(value: Any, condition: Callable[[Any], bool] = _is_tensor) -> Flattener:
        """The flattener of values such as ``value``, which takes what fulfills ``condition``, dicts by their keys."""
        found: list[Any] = []

        def schema_of(one: Any) -> Any:
            if condition(one):
                found.append(one)
                return len(found) - 1
            if isinstance(one, (list, tuple)):
                return type(one)(list(map(schema_of, one)))
            return {key: schema_of(one[key]) for key in sorted(one)} if isinstance(one, dict) else None

        return Flattener(schema_of(value), len(found))

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Flattener:
        """The flattener that :meth:`dict` wrote."""
        return Flattener(data["schema"], data["size"])

    def dict(self) -> dict[str, Any]:
        """The schema and the size."""
        return {"schema": self.schema, "size": self.size}

    def __len__(self) -> int:
        return self.size

    def flatten(self, value: Any) -> list[Any]:
        """The values in the order of their indices."""
        result: list[Any] = [None] * self.size

        def take(schema: Any, one: Any) -> None:
            if isinstance(schema, int):
                result[schema] = one
            elif isinstance(schema, dict):
                for key in schema:
                    take(schema[key], one[key])
            elif schema is not None:
                for inner, part in zip(schema, one, strict=True):
                    take(inner, part)

        take(self.schema, value)
        return result

    def unflatten(self, flat: Sequence[Any]) -> Any:
        """The structure with the values in it, and None for what was not taken."""

        def put(schema: Any) -> Any:
            if isinstance(schema, int):
                return flat[schema]
            if isinstance(schema, dict):
                return {key: put(inner) for key, inner in schema.items()}
            return None if schema is None else type(schema)(list(map(put, schema)))

        return put(self.schema)


class Flatten(torch.nn.Module):
    """A module that takes and returns flat tensors, of one that takes and returns nested ones."""

    def __init__(
        self, module: Any, input_flattener: Flattener | None = None, output_flattener: Flattener | None = None
    ) -> None:
        super().__init__()
        self.module, self.input_flattener, self.output_flattener = module, input_flattener, output_flattener

    def forward(self, *tensors: torch.Tensor) -> Any:
        """The tensors of the outputs, in order."""
        arguments = self.input_flattener.unflatten(tensors) if self.input_flattener else tensors
        outputs = self.module(*arguments)
        return tuple(self.output_flattener.flatten(outputs)) if self.output_flattener else outputs


class Unflatten(Flatten):
    """The reverse of :class:`Flatten`."""

    def forward(self, *arguments: Any) -> Any:
        """The nested outputs."""
        tensors = self.input_flattener.flatten(arguments) if self.input_flattener else arguments
        outputs = self.module(*tensors)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return self.output_flattener.unflatten(outputs) if self.output_flattener else outputs
