"""Making converters that differ in one enum: a factory each family calls instead of a copy each operator has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..packs.marks import converter
from ..packs.targets import resolve

ConverterFunction = Callable[..., Any]


def named(name: str, *targets: str, **options: Any) -> Callable[[ConverterFunction], ConverterFunction]:
    """Mark a function that a factory made as the converter of operators, with a name and the schema as its docstring.

    Args:
        name: the operator's name, which errors and plans show.
        targets: operator overloads; the first one's schema is the docstring.
        options: those of ``@converter``.
    """

    def decorate(function: ConverterFunction) -> ConverterFunction:
        function.__name__ = function.__qualname__ = name
        overload = resolve(targets[0]).overload
        function.__doc__ = str(overload._schema) if overload is not None else None
        return converter(*targets, **options)(function)

    return decorate
