"""``torch2trt explain``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .common import UNSUPPORTED, AsJSON, check_folder_of, errors_in_words, note, out
from .convert import planned
from .descriptions import inputs_of
from .options import PLANNING, Inputs, Model, Pretrained, takes
from .phases import remembered
from .sources import load_model


@takes(PLANNING)
def explain(
    model: Model,
    inputs: Inputs = None,
    pretrained: Pretrained = False,
    html: Annotated[
        Path | None, typer.Option(help="write the plan as a page too, such as plan.html", dir_okay=False)
    ] = None,
    as_json: AsJSON = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Show which converter takes every call of a model; exit status 3 when there is none for some."""
    described = inputs_of(inputs or ())
    with errors_in_words():
        if html:
            check_folder_of(html)
        with remembered("explain", (model, inputs, pretrained, settings), shown=not as_json) as phase:
            plan = planned(load_model(model, pretrained, phase), described, settings, phase)
        if as_json:
            print(plan.to_json())
        elif out.is_terminal:  # as wide as that
            out.print(plan)
        else:
            print(plan)
        if html:
            html.write_text(plan.to_html(), "utf-8")
            note(f"{html}: the plan as a page")
    raise typer.Exit(UNSUPPORTED if plan.unsupported else 0)
