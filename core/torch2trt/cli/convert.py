"""``torch2trt convert``."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Model, errors_in_words, load_program, out


def convert(
    model: Model,
    output: Annotated[Path, typer.Argument(help="the file to write", dir_okay=False, writable=True)],
    verify: Annotated[bool, typer.Option("--verify", help="hold the engine against PyTorch first")] = False,
    cache: Annotated[
        bool, typer.Option(help="keep the engine for the next conversion, and take one that is kept")
    ] = True,
) -> None:
    """Convert a program to an engine file for ``torch2trt.load``."""
    with errors_in_words():
        if not output.absolute().parent.is_dir():  # said before the work is done
            raise FileNotFoundError(f"there is no folder {output.absolute().parent} to write {output.name} to")
        from ..api import convert

        convert(load_program(model), verify=verify, cache=cache).save(output)
        out.print(f"{output}: {output.stat().st_size / 2**20:.1f} MiB")
