"""``torch2trt explain``."""

import typer

from .common import AsJSON, Model, errors_in_words, load_program


def explain(model: Model, as_json: AsJSON = False) -> None:
    """Show which converter takes every call of a program; exit status 1 when there is none for some."""
    from ..api import explain

    with errors_in_words():
        plan = explain(load_program(model))
    print(plan.to_json() if as_json else plan)
    raise typer.Exit(1 if plan.unsupported else 0)
