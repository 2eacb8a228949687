"""What all commands share: the output, errors in words, and common arguments."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from ..errors import Torch2TRTError

out: Final = Console()

Model = Annotated[
    Path, typer.Argument(help="a program saved with torch.export.save (.pt2)", exists=True, dir_okay=False)
]
AsJSON = Annotated[bool, typer.Option("--json", help="print JSON")]


@contextlib.contextmanager
def errors_in_words() -> Iterator[None]:
    """An error of ours is its message and exit status 1, without a traceback."""
    try:
        yield
    except Torch2TRTError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/]", end=": ")
        Console(stderr=True, markup=False, highlight=False).print(str(error))
        raise typer.Exit(1) from None
