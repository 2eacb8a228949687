"""``torch2trt compare``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError
from .common import AsJSON, Model, errors_in_words, load_program, out


def compare(
    model: Model,
    module: Annotated[
        Path | None,
        typer.Argument(
            help="a file written by TRTModule.save, to be compared by its outputs; without one the program is "
            "converted and compared call by call",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="a list or a dict of tensors written by torch.save; by default the program's own example inputs",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="the error that passes, relative to the largest value", min=0)
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Hold a converted program against PyTorch, call by call; exit status 1 when they differ."""
    from ..api import convert
    from ..runtime.load import load
    from ..verify.compare import compare

    with errors_in_words():
        program = load_program(model)
        converted = load(module) if module else convert(program)
        comparison = compare(program, converted, _load(inputs) if inputs else None, tolerance=tolerance)
    if as_json:
        print(comparison.to_json())
    else:
        out.print(comparison)
    raise typer.Exit(0 if comparison.agrees else 1)


def _load(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path} holds no tensors that torch.load can read ({type(error).__name__}: {error}). "
            "Write them with torch.save([x, ...], path)"
        ) from error
