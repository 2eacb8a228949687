"""Making converters that differ in one enum: a factory each family calls instead of a copy each operator has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch2trt import Call, Context, ConversionError, converter

Converter = Callable[..., Any]


def named(name: str, *targets: str, **options: Any) -> Callable[[Converter], Converter]:
    """Give a function made in a factory the name of its operator and the schema as its docstring, and mark it."""

    def decorate(function: Converter) -> Converter:
        function.__name__ = function.__qualname__ = name
        namespace, packet, overload = targets[0].split(".")
        function.__doc__ = str(getattr(getattr(getattr(torch.ops, namespace), packet), overload)._schema)
        return converter(*targets, **options)(function)

    return decorate


def declined(module: str, name: str, reason: str, *targets: str) -> Converter:
    """What stands in ``module`` for operators that no engine can express: the plan tells the reason."""

    # whatever the arguments are, the answer is the same
    def rejects(call: Call, *args: Any, **kwargs: Any) -> str:
        return reason

    def convert(ctx: Context, *args: Any, **kwargs: Any) -> None:
        raise ConversionError(reason)

    convert.__module__ = module
    return named(name, *targets, rejects=rejects)(convert)
