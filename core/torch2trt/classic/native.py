"""Built-in converters by the names that the classic library gave them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .context import ConversionContext
from .converters import CONVERTERS

_PREFIX = "convert_"


def converter_named(name: str) -> Callable[[ConversionContext], Any]:
    """The classic form of the converter that now stands for ``convert_relu``, say.

    Raises:
        AttributeError: no call of that name has a converter.
    """
    call = name.removeprefix(_PREFIX)
    if name.startswith(_PREFIX):
        for target in (f"torch.nn.functional.{call}", f"torch.{call}", f"torch.Tensor.{call}"):
            if target in CONVERTERS:
                converter: Callable[[ConversionContext], Any] = CONVERTERS[target]["converter"]
                return converter
    raise AttributeError(
        f"there is no converter {name!r}; built-in converters are in packs, and CONVERTERS has them by their targets"
    )
