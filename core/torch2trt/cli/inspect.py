"""``torch2trt inspect``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .common import errors_in_words


def inspect(path: Annotated[Path, typer.Argument(help="a file written by TRTModule.save", exists=True)]) -> None:
    """Print the manifest of an engine file: inputs, outputs, TensorRT, packs and calls."""
    from ..runtime.store import read_manifest

    with errors_in_words():
        print(json.dumps(read_manifest(path), indent=1))
