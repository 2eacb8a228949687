"""Tables for terminals."""

from __future__ import annotations

import io
import sys
from typing import Any


def table(*columns: str) -> Any:
    """A ``rich`` table that shows all of its text, however narrow it has to be."""
    from rich.table import Column, Table

    return Table(*(Column(column, overflow="fold") for column in columns))


def printed(renderable: Any) -> str:
    """What ``rich`` prints of something, 160 characters wide."""
    from rich.console import Console

    # where the terminal cannot show box-drawing characters, rich draws with others
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding, errors="replace", newline="\n", write_through=True)
    Console(file=file, width=160).print(renderable)
    return written.getvalue().decode(encoding)
