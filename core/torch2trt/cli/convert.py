"""``torch2trt convert``."""

from pathlib import Path
from typing import Annotated

import typer

from .common import Model, errors_in_words, out


def convert(model: Model, output: Annotated[Path, typer.Argument(help="the file to write")]) -> None:
    """Convert a program to an engine file for ``torch2trt.load``."""
    import torch

    from ..api import convert

    with errors_in_words():
        convert(torch.export.load(model)).save(output)
    out.print(f"{output}: {output.stat().st_size / 2**20:.1f} MiB")
