"""``torch2trt convert``."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from .common import AsJSON, check_folder_of, errors_in_words, out, print_json, without_logs
from .descriptions import inputs_of
from .options import BUILDING, PLANNING, Inputs, Model, Pretrained, takes
from .phases import Phases, remembered
from .sources import load_model


@takes(PLANNING, BUILDING)
def convert(
    model: Model,
    output: Annotated[Path, typer.Argument(help="the file to write", dir_okay=False, writable=True)],
    inputs: Inputs = None,
    pretrained: Pretrained = False,
    report: Annotated[
        Path | None, typer.Option(help="write a page about the module too, such as model.html", dir_okay=False)
    ] = None,
    as_json: AsJSON = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Convert a model to an engine file for ``torch2trt.load``; exit status 3 when calls have no converter."""
    described = inputs_of(inputs or ())
    with errors_in_words():
        for path in filter(None, (output, report)):
            check_folder_of(path)
        began, given = time.monotonic(), (model, inputs, pretrained, settings)
        with remembered("convert", given, cache=settings.get("cache", True), shown=not as_json) as phase:
            module = converted(load_model(model, pretrained, phase), described, settings, phase)
            with phase(f"writing {output}"):
                module.save(output)
            if report:
                module.report(report)
    size, seconds = output.stat().st_size, time.monotonic() - began
    if as_json:
        print_json({"file": str(output), "bytes": size, "seconds": seconds, "report": str(report) if report else None})
        return
    out.print(f"{output}: {size / 2**20:.1f} MiB in {seconds:.1f} s")
    if report:
        out.print(f"{report}: what became of each call")


def converted(loaded: Any, inputs: Any, settings: dict[str, Any], phase: Phases) -> Any:
    """The module of a model, phase by phase."""
    from .. import _trt

    _trt.require()
    plan = planned(loaded, inputs, settings if phase.wanted else {**settings, "progress": False}, phase)
    with phase("building", live=False):
        return plan.convert()


def planned(loaded: Any, inputs: Any, settings: dict[str, Any], phase: Phases) -> Any:
    """The plan of a model."""
    from torch.export import ExportedProgram

    from ..api import explain
    from ..errors import InputError

    inputs = loaded.inputs if inputs is None else inputs
    if inputs is None and not isinstance(loaded.model, ExportedProgram):
        raise InputError("this model has no example inputs; describe them, such as --input 1x3x224x224")
    with phase("capturing and planning"), without_logs():
        return explain(loaded.model, inputs, **settings)
