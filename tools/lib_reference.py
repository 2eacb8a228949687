"""Write docs/api/lib.md from ``torch2trt.lib``; ``--check`` fails when it is stale.

Many verbs are made by factories, so their signatures and docstrings exist only in the imported module.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from generated import write_or_check
from torch2trt import lib

PAGE = Path(__file__).parent.parent / "docs" / "api" / "lib.md"

HEAD = """# torch2trt.lib { #torch2trt.lib }

{about}

Written by `tools/lib_reference.py`; a test fails when it is stale.
"""
#: the types are strings at run time, and a comment in the source says what they are
TYPES = {
    "Tensor": "a `trt.ITensor` known at run time, or a constant `torch.Tensor`",
    "Size": "a size or an index: an `int`, or a 0-d int64 `trt.ITensor` where it is dynamic",
    "Value": "a `trt.ITensor` known at run time, a constant `torch.Tensor`, or a Python number",
}


class _Plain(str):
    """An annotation, printed without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def page() -> str:
    """The whole page."""
    groups: dict[ModuleType, list[str]] = {}
    for name in lib.__all__:
        if name not in TYPES:
            groups.setdefault(_home(getattr(lib, name)), []).append(name)
    sections = [HEAD.replace("{about}", _markdown(lib.__doc__))]
    sections.append("".join(f"- `{name}`: {TYPES[name]}\n" for name in TYPES))
    for module, names in sorted(groups.items(), key=lambda group: group[0].__name__):
        sections.append(f"## {module.__name__.rpartition('.')[2].capitalize()}\n\n{_markdown(module.__doc__)}\n")
        sections += [_verb(name, getattr(lib, name)) for name in sorted(names)]
    return "\n".join(sections)


def _home(verb: Callable[..., Any]) -> ModuleType:
    """The module of ``lib`` that a verb stands in; one from elsewhere stands with those that ask what a value is."""
    module = inspect.getmodule(verb)
    if module is None or not module.__name__.startswith(f"{lib.__name__}."):
        module = inspect.getmodule(lib.dtype_of)
    assert module is not None
    return module


def _verb(name: str, verb: Callable[..., Any]) -> str:
    return (
        f"### {name} {{ #torch2trt.lib.{name} }}\n\n```py\n{_signature(name, verb)}\n```\n\n{_markdown(verb.__doc__)}\n"
    )


def _signature(name: str, verb: Callable[..., Any]) -> str:
    """As in the source: one line, or a line for each parameter."""
    signature = inspect.signature(verb)
    parameters = [p.replace(annotation=_Plain(p.annotation)) for p in signature.parameters.values()]
    returns = signature.return_annotation
    line = f"{name}{signature.replace(parameters=parameters, return_annotation=_Plain(returns))}"
    if len(line) <= 100:
        return line
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    lines = [str(p) for p in parameters]
    if keywords:
        lines.insert(len(parameters) - len(keywords), "*")
    return "\n".join([f"{name}(", *(f"    {parameter}," for parameter in lines), f") -> {returns}"])


def _markdown(docstring: str | None) -> str:
    """A docstring with single backticks, its ``Args`` as a list."""
    text = inspect.cleandoc(docstring or "").replace("``", "`")
    before, args, after = text.partition("\nArgs:\n")
    items = re.sub(r"\n {8,}", " ", after)
    items = re.sub(r"^ {4}(\w+(?:, \w+)*): ", lambda match: f"- {_code(match[1])}: ", items, flags=re.MULTILINE)
    return f"{before}\n{items}" if args else before


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page()))
