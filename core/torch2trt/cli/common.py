"""What all commands share: the output, errors in words, and common arguments."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from ..errors import InputError, Torch2TRTError, UnsupportedError

if TYPE_CHECKING:
    from jinja2 import Environment

out: Final = Console()
#: exit statuses; the last is a shell's own for a program that Ctrl-C ended
BROKEN, USAGE, UNSUPPORTED, INTERRUPTED = 1, 2, 3, 130

AsJSON = Annotated[bool, typer.Option("--json", help="print JSON")]
Saved = Annotated[Path, typer.Argument(help="a file written by TRTModule.save", exists=True, dir_okay=False)]


@contextlib.contextmanager
def errors_in_words() -> Iterator[None]:
    """An error of ours, or of the file system, is its message and an exit status, without a traceback."""
    try:
        yield
    except (Torch2TRTError, OSError) as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/]", end=": ")
        Console(stderr=True, markup=False, highlight=False).print(str(error), soft_wrap=True)
        raise typer.Exit(UNSUPPORTED if isinstance(error, UnsupportedError) else BROKEN) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted")
        raise typer.Exit(INTERRUPTED) from None


@contextlib.contextmanager
def holding(path: Path, what: str, cure: str) -> Iterator[None]:
    """Whatever a reader raises is an :class:`InputError`: the file holds no ``what``; ``cure`` says what to do."""
    try:
        yield
    except Exception as error:
        raise InputError(f"{path} holds no {what} ({type(error).__name__}: {error}). {cure}") from error


def note(text: str) -> None:
    """Say something that is no result."""
    Console(stderr=True, markup=False, highlight=False).print(text, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print what ``--json`` asks for."""
    print(json.dumps(data, indent=1))


@contextlib.contextmanager
def without_logs() -> Iterator[None]:
    """Keep PyTorch from logging its own traceback beside an error that is told in words."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def templates(folder: str) -> Environment:
    """The templates of a folder here, of texts that are no pages."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("torch2trt", f"cli/{folder}")
    return Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)


@contextlib.contextmanager
def written_whole(place: Path, cure: str) -> Iterator[Path]:
    """An empty folder that becomes ``place`` if all goes well, and is gone otherwise; nothing is written over.

    Args:
        place: the folder to write; what it is in is made too.
        cure: what to do where it is there already.
    """
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise FileExistsError(f"{place} is there already; {cure}")
    place.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".torch2trt-", dir=place.absolute().parent) as made:
        (folder := Path(made, "folder")).mkdir()
        yield folder
        os.replace(folder, place)


def check_folder_of(path: Path) -> None:
    """Refuse a file to write whose folder is not there, before the work is done."""
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.absolute().parent} to write {path.name} to")
