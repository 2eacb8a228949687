"""``torch2trt inspect``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .common import errors_in_words


def inspect(
    path: Annotated[Path, typer.Argument(help="a file written by TRTModule.save", exists=True, dir_okay=False)],
) -> None:
    """Print the manifest of an engine file: inputs, outputs, TensorRT, packs and calls."""
    with errors_in_words():
        from ..runtime.store import read_manifest

        print(json.dumps(read_manifest(path), indent=1))
