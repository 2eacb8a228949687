"""What all commands share: the output, errors in words, and common arguments."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from ..errors import InputError, Torch2TRTError, UnsupportedError

out: Final = Console()
#: exit statuses; the last is a shell's own for a program that Ctrl-C ended
BROKEN, USAGE, UNSUPPORTED, INTERRUPTED = 1, 2, 3, 130

Model = Annotated[
    Path, typer.Argument(help="a program saved with torch.export.save (.pt2)", exists=True, dir_okay=False)
]
AsJSON = Annotated[bool, typer.Option("--json", help="print JSON")]


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


def load_program(path: Path) -> Any:
    """The ``ExportedProgram`` of a file; :class:`InputError` where the file holds none."""
    import torch

    logging.disable(logging.WARNING)  # torch.export logs its own traceback beside the error
    try:
        return torch.export.load(path)
    except Exception as error:
        raise InputError(
            f"{path} holds no program that torch.export.load can read ({type(error).__name__}: {error}). "
            "Write one with torch.export.save(torch.export.export(model, args), path)"
        ) from error
    finally:
        logging.disable(logging.NOTSET)
