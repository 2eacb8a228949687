"""``torch2trt convert``."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Model, errors_in_words, load_program, out


def convert(
    model: Model,
    output: Annotated[Path, typer.Argument(help="the file to write")],
    verify: Annotated[bool, typer.Option("--verify", help="hold the engine against PyTorch first")] = False,
) -> None:
    """Convert a program to an engine file for ``torch2trt.load``."""
    from ..api import convert

    with errors_in_words():
        convert(load_program(model), verify=verify).save(output)
    out.print(f"{output}: {output.stat().st_size / 2**20:.1f} MiB")
