"""``torch2trt packs``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ..report.text import table
from .common import BROKEN, AsJSON, errors_in_words, out, print_json


def packs(
    check: Annotated[
        bool, typer.Option("--check", help="say what each pack lacks for others to rely on; exit status 1 if anything")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """List the installed converter packs."""
    with errors_in_words():
        from ..packs.loading import installed
        from .pack_checks import lacks

        loaded = installed()
        rows = [
            {
                "pack": pack.name,
                "distribution": pack.distribution,
                "version": pack.version,
                "converters": sum(converter.pack == pack for converter in loaded.converters),
                **({"lacks": lacks(pack, loaded)} if check else {}),
            }
            for pack in loaded.packs
        ]
    if as_json:
        print_json(rows)
    else:
        shown = table(*(rows[0] if rows else ("pack",)))
        for row in rows:
            cells = ("\n".join(value) if isinstance(value, list) else str(value) for value in row.values())
            shown.add_row(*map(escape, cells))
        out.print(shown)
    raise typer.Exit(BROKEN if any(row.get("lacks") for row in rows) else 0)
