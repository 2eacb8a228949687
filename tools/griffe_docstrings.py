"""A griffe extension: the habits of our docstrings that Markdown and griffe's Google style do not know.

A role such as ``:class:`Settings``` becomes a link, and one line about several parameters becomes one line for each.
"""

from __future__ import annotations

import re
from typing import Any, Final

import griffe

_ROLE: Final = re.compile(r":\w+:`~?([\w.]+)`")
#: ``    min, opt, max: text``, with the lines that go on
_SEVERAL: Final = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrite the docstrings of a package once it is loaded."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite every docstring of ``pkg``."""
        _rewrite(pkg, pkg)


def _rewrite(member: griffe.Object, package: griffe.Module) -> None:
    if member.docstring is not None:
        text = _SEVERAL.sub(_one_each, member.docstring.value)
        member.docstring.value = _ROLE.sub(lambda match: _markdown(match[1], member, package), text)
    for child in member.members.values():
        if isinstance(child, griffe.Object):
            _rewrite(child, package)


def _one_each(match: re.Match[str]) -> str:
    indent, names, text = match.groups()
    return "\n".join(f"{indent}{name}: {text}" for name in names.split(", "))


def _markdown(role: str, member: griffe.Object, package: griffe.Module) -> str:
    name = role.removeprefix(f"{package.name}.")
    scope = member if isinstance(member, griffe.Class) else member.parent
    if isinstance(scope, griffe.Class) and name in scope.members:
        return f"[`{name}`][{scope.path}.{name}]"
    # what the package's stub names has a page; anything else is only named
    public = isinstance(package.members.get(name.partition(".")[0]), griffe.Alias) or name == "lib"
    return f"[`{role}`][{package.name}.{name}]" if public else f"`{name}`"
