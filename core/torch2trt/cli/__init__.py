"""The command line: ``torch2trt convert | explain | run | bench | compare | inspect | packs | doctor | …``."""

import sys
import warnings
from typing import Annotated

import typer

from .. import __version__, _trt
from .bench import bench
from .cache import cache
from .common import BROKEN, INTERRUPTED, UNSUPPORTED, USAGE
from .compare import compare
from .convert import convert
from .converters import converters
from .doctor import doctor
from .explain import explain
from .inspect import inspect
from .new_pack import new_pack
from .packs import packs
from .run import run
from .serve_repository import serve_repository

app = typer.Typer(
    no_args_is_help=True,
    help="Convert PyTorch models to TensorRT engines.",
    epilog=f"Exit status: 0 done, {BROKEN} something failed, {USAGE} wrong usage, {UNSUPPORTED} calls without a "
    f"converter, {INTERRUPTED} interrupted.",
)
for _command in (explain, convert, inspect, run, bench, compare, packs, converters, doctor, new_pack, serve_repository):
    app.command()(_command)
app.add_typer(cache, name="cache")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"torch2trt {__version__}, TensorRT {f'{_trt.version()} ({_trt.FLAVOR})' if _trt.FLAVOR else 'missing'}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="show the version and exit")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that has no box-drawing characters shows others for them
            stream.reconfigure(errors="replace")
    # the line of our own code that warned tells a terminal nothing
    warnings.formatwarning = lambda message, category, *_: f"{category.__name__}: {message}\n"
    app()
