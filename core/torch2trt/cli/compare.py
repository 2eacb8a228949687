"""``torch2trt compare``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .common import AsJSON, check_folder_of, errors_in_words, out
from .convert import converted
from .descriptions import inputs_of
from .options import PLANNING, Inputs, Model, Pretrained, takes
from .phases import remembered
from .sources import load_model
from .tensors import Given, read_inputs

Module = Annotated[
    Path | None,
    typer.Argument(
        help="a file written by TRTModule.save, to be compared by its outputs; without one the model is converted and "
        "compared call by call",
        exists=True,
        dir_okay=False,
    ),
]


@takes(PLANNING)
def compare(
    model: Model,
    module: Module = None,
    described: Inputs = None,
    inputs: Given = None,
    pretrained: Pretrained = False,
    tolerance: Annotated[
        float | None, typer.Option(help="the error that passes, relative to the largest value", min=0)
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="write a page with the errors too, such as model.html", dir_okay=False)
    ] = None,
    as_json: AsJSON = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Hold a converted model against PyTorch, call by call; exit status 1 when they differ."""
    shapes = inputs_of(described or ())
    with errors_in_words():
        from ..runtime.load import load
        from ..verify.compare import compare

        if report:
            check_folder_of(report)
        given = (model, module, described, inputs, pretrained, settings)
        with remembered("compare", given, shown=not as_json) as phase:
            loaded = load_model(model, pretrained, phase)
            other = load(module) if module else converted(loaded, shapes, settings, phase)
            tensors = read_inputs(inputs) if inputs else _tensors(loaded, other)
            with phase("comparing"):
                comparison = compare(loaded.model, other, tensors, tolerance=tolerance)
        if report:
            other.report(report, comparison=comparison)
    if as_json:
        print(comparison.to_json())
    else:
        out.print(comparison)
    raise typer.Exit(0 if comparison.agrees else 1)


def _tensors(loaded: Any, module: Any) -> Any:
    """The model's own inputs, or random ones; None for an ``ExportedProgram``, whose own ``compare`` takes."""
    from torch.export import ExportedProgram

    from ..program.arguments import random_arguments

    if isinstance(loaded.model, ExportedProgram):
        return None
    if loaded.inputs is not None and all(hasattr(one, "dtype") and hasattr(one, "data_ptr") for one in loaded.inputs):
        return loaded.inputs
    args, kwargs = random_arguments(module.signature)
    return kwargs or args
