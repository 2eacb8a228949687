"""``torch2trt doctor``."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.markup import escape

from ..report.text import table
from .common import BROKEN, AsJSON, errors_in_words, out, print_json
from .phases import Phases

_STYLES = {"ok": "green", "limited": "yellow", "broken": "red"}


def doctor(as_json: AsJSON = False) -> None:
    """Look at everything that conversions need here; exit status 1 when something is broken."""
    with errors_in_words():
        from .findings import findings

        with Phases(not as_json)("looking at this machine"):
            found = list(findings())
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        shown = table("", "state", "what is here", "cure")
        for one in found:
            shown.add_row(one.about, f"[{_STYLES[one.state]}]{one.state}[/]", escape(one.what), escape(one.cure))
        count = {state: sum(one.state == state for one in found) for state in _STYLES}
        out.print(shown, ", ".join(f"{number} {state}" for state, number in count.items()))
    raise typer.Exit(BROKEN if any(one.state == "broken" for one in found) else 0)
