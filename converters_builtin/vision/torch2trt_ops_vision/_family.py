"""Naming converters that a factory makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch2trt import converter

Converter = Callable[..., Any]


def named(name: str, *targets: str, **options: Any) -> Callable[[Converter], Converter]:
    """Give a function made in a factory the name of its operator and the schema as its docstring, and mark it."""

    def decorate(function: Converter) -> Converter:
        function.__name__ = function.__qualname__ = name
        namespace, packet, overload = targets[0].split(".")
        function.__doc__ = str(getattr(getattr(getattr(torch.ops, namespace), packet), overload)._schema)
        return converter(*targets, **options)(function)

    return decorate
