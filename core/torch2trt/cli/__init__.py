"""The command line: ``torch2trt packs | converters | explain | convert | compare | inspect``."""

import typer

from .compare import compare
from .convert import convert
from .converters import converters
from .explain import explain
from .inspect import inspect
from .packs import packs

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Convert PyTorch models to TensorRT engines.")
for _command in (packs, converters, explain, convert, compare, inspect):
    app.command()(_command)


def main() -> None:
    """The entry point of the command."""
    app()
