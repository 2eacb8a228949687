"""The built-in converters by the names that the classic library gave them; ``CONVERTERS`` has them by their targets."""

from typing import Any

from ..classic.native import converter_named


def __getattr__(name: str) -> Any:
    return converter_named(name)
