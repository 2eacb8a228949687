"""``torch2trt new-pack``."""

from __future__ import annotations

import datetime
import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from importlib_metadata import entry_points
from packaging.version import Version

from .. import __version__
from ..errors import PackError
from ..packs.loading import GROUP
from .common import AsJSON, errors_in_words, out, print_json, templates, written_whole

#: the files of a pack, by the names of their templates
_FILES: Final = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "LICENSE": "LICENSE",
    "gitignore": ".gitignore",
    "test.yml": ".github/workflows/test.yml",
    "init.py": "{module}/__init__.py",
    "functions.py": "{module}/functions.py",
    "converters.py": "{module}/converters.py",
    "operators.py": "{module}/operators.py",
    "test_pack.py": "tests/test_{key}.py",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


def new_pack(
    name: Annotated[str, typer.Argument(help="what users call it, such as mylab")],
    folder: Annotated[
        Path | None, typer.Option(help="where it is made; by default torch2trt-ops-NAME in the current folder")
    ] = None,
    operator: Annotated[bool, typer.Option("--operator", help="with a custom operator of PyTorch")] = False,
    as_json: AsJSON = False,
) -> None:
    """Write a converter pack with its tests, ready to be changed and published."""
    with errors_in_words():
        words = _words(name, operator)
        place = folder or Path(words["distribution"])
        files = _rendered(words)
        with written_whole(place, "name another folder with --folder") as made:
            for file, text in files.items():
                (made / file).parent.mkdir(parents=True, exist_ok=True)
                (made / file).write_text(text, "utf-8")
    if as_json:
        print_json({"folder": str(place), "files": sorted(files), **words})
        return
    for file in sorted(files):
        out.print(f"{place / file}", highlight=False, soft_wrap=True)
    out.print(f'\nNow: cd {place} && pip install -e ".[test]" && pytest', markup=False, highlight=False, soft_wrap=True)


def _words(name: str, operator: bool) -> dict[str, Any]:
    """What the templates speak of."""
    key = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(key):
        raise typer.BadParameter(f"{name!r} is no name for a pack; write small letters and digits, such as mylab")
    if other := next((one for one in entry_points(group=GROUP) if one.name == key), None):
        of = f" of {other.dist.name}" if other.dist else ""
        raise PackError(f"there is a pack {key!r}{of} already, and two of one name cannot be loaded; take another name")
    if operator and _has_operators(key):
        raise PackError(f"PyTorch has operators {key}::… already, of somebody else; take another name")
    core = Version(__version__)
    return {
        "key": key,
        "module": f"torch2trt_ops_{key}",
        "distribution": f"torch2trt-ops-{key.replace('_', '-')}",
        "operator": operator,
        "core": f"{core.major}.{core.minor}",
        "next_core": f"{core.major}.{core.minor + 1}",
        "year": datetime.date.today().year,
    }


def _has_operators(namespace: str) -> bool:
    import torch

    return any(name.startswith(f"{namespace}::") for name in torch._C._dispatch_get_all_op_names())


def _rendered(words: Mapping[str, Any]) -> dict[str, str]:
    """The files of the pack with their texts."""
    environment = templates("pack")
    files = {
        path.format(**words): environment.get_template(f"{template}.jinja").render(words)
        for template, path in _FILES.items()
        if words["operator"] or template != "operators.py"
    }
    return {**files, f"{words['module']}/py.typed": ""}
