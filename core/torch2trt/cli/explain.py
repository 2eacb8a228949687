"""``torch2trt explain``."""

import typer

from .common import UNSUPPORTED, AsJSON, Model, errors_in_words, load_program


def explain(model: Model, as_json: AsJSON = False) -> None:
    """Show which converter takes every call of a program; exit status 3 when there is none for some."""
    with errors_in_words():
        from ..api import explain

        plan = explain(load_program(model))
        print(plan.to_json() if as_json else plan)
    raise typer.Exit(UNSUPPORTED if plan.unsupported else 0)
