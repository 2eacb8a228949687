"""The command line: ``torch2trt packs | converters | explain | convert | inspect``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from .errors import Torch2TRTError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Convert PyTorch models to TensorRT engines.")
_out = Console()

Model = Annotated[
    Path, typer.Argument(help="a program saved with torch.export.save (.pt2)", exists=True, dir_okay=False)
]
AsJSON = Annotated[bool, typer.Option("--json", help="print JSON")]


@contextlib.contextmanager
def _errors_in_words() -> Iterator[None]:
    """An error of ours is its message and exit status 1, without a traceback."""
    try:
        yield
    except Torch2TRTError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}[/]", end=": ")
        Console(stderr=True, markup=False, highlight=False).print(str(error))
        raise typer.Exit(1) from None


@app.command()
def packs() -> None:
    """List the installed converter packs."""
    from .packs import installed

    with _errors_in_words():
        table = Table("pack", "distribution", "version", "converters")
        for pack in installed().packs:
            count = sum(converter.pack == pack for converter in installed().converters)
            table.add_row(pack.name, pack.distribution, pack.version, str(count))
    _out.print(table)


@app.command()
def converters(as_json: AsJSON = False) -> None:
    """List every target with the converter that is asked first."""
    from .packs import installed

    with _errors_in_words():
        heads = {found.target.name: found for found in reversed(installed().converters)}
    if as_json:
        rows = [{"target": t, "pack": c.pack.name, "converter": c.name} for t, c in sorted(heads.items())]
        print(json.dumps(rows, indent=1))
        return
    table = Table("target", "pack", "converter")
    for target, found in sorted(heads.items()):
        table.add_row(target, found.pack.name, f"{found.name} ({found.location})")
    _out.print(table, f"{len(heads)} targets")


@app.command()
def explain(model: Model, as_json: AsJSON = False) -> None:
    """Show which converter takes every call of a program; exit status 1 when there is none for some."""
    import torch

    from .api import explain as plan

    with _errors_in_words():
        program = torch.export.load(model)
        found = plan(program, program.example_inputs[0])
    print(found.to_json() if as_json else found)
    raise typer.Exit(1 if found.unsupported else 0)


@app.command()
def convert(model: Model, output: Annotated[Path, typer.Argument(help="the file to write")]) -> None:
    """Convert a program to an engine file for ``torch2trt.load``."""
    import torch

    from .api import convert as run

    with _errors_in_words():
        program = torch.export.load(model)
        run(program, program.example_inputs[0]).save(output)
    _out.print(f"{output}: {output.stat().st_size / 2**20:.1f} MiB")


@app.command()
def inspect(path: Annotated[Path, typer.Argument(help="a file written by TRTModule.save", exists=True)]) -> None:
    """Print the manifest of an engine file: inputs, outputs, TensorRT, packs and calls."""
    from .runtime.store import read_manifest

    with _errors_in_words():
        print(json.dumps(read_manifest(path), indent=1))


def main() -> None:
    """The entry point of the command."""
    app()
