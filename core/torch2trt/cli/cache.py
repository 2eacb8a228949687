"""``torch2trt cache``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal

from ..cache.place import FOLDER, default_folder, parse_size, store_of
from ..cache.store import Store, Stored
from ..errors import CacheError
from ..report.text import table
from .common import AsJSON, errors_in_words, out

Folder = Annotated[
    Path | None, typer.Option(help=f"the folder of the cache; by default {FOLDER} or the user's own", file_okay=False)
]
cache = typer.Typer(
    no_args_is_help=True,
    help="What is kept on disk: engines, kernels that were compiled for GPUs, what commands took.",
)


@cache.command()
def path(folder: Folder = None, as_json: AsJSON = False) -> None:
    """Print the folder of the cache."""
    with errors_in_words():
        found = str(_store(folder).folder)
    print(json.dumps(found) if as_json else found)


@cache.command("list")
def list_(folder: Folder = None, as_json: AsJSON = False) -> None:
    """List what is kept, the least recently used first."""
    with errors_in_words():
        store = _store(folder)
        rows = [_row(stored) for stored in store]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    shown = table("kind", "key", "size", "last used", "of")
    for row in rows:
        of = " ".join(f"{name} {value}" for name, value in (row["of"] or {"damaged": ""}).items() if value is not None)
        shown.add_row(row["kind"], row["key"][:12], decimal(row["bytes"]), _age(row["seconds"]), of)
    total = sum(row["bytes"] for row in rows)
    out.print(shown, f"{len(rows)} entries of {decimal(total)} in {store.folder}, the limit is {decimal(store.limit)}")


@cache.command()
def prune(
    folder: Folder = None,
    everything: Annotated[bool, typer.Option("--all", help="remove all")] = False,
    days: Annotated[float | None, typer.Option(help="remove what was not used for so many days", min=0)] = None,
    size: Annotated[
        str | None, typer.Option(help="remove the least recently used until no more than this is left, such as 500M")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Remove what is not wanted; one of --all, --days and --size."""
    if not everything and days is None and size is None:
        raise typer.BadParameter("say what to remove: --all, --days or --size")
    with errors_in_words():
        store = _store(folder)
        limit = 0 if everything else store.limit if size is None else parse_size(size, "--size")
        rows = [_row(stored) for stored in store]
        removed = store.prune(limit, older_than=None if days is None else days * 86400)
        if removed is None:
            raise CacheError(f"{store.folder} cannot be changed now: another process tidies it, or it is read-only")
        keys = {(stored.kind, stored.key) for stored in removed}
    if as_json:
        print(json.dumps([row for row in rows if (row["kind"], row["key"]) in keys], indent=1))
    else:
        out.print(f"{len(removed)} entries removed, {decimal(sum(stored.size for stored in removed))}")


def _store(folder: Path | None) -> Store:
    """The store that the command is about, also where the limit keeps conversions from using one."""
    chosen = folder or default_folder()
    if chosen is None:
        raise CacheError(f"there is no cache: this user has no home; set {FOLDER} or give --folder")
    return store_of(chosen) or Store(chosen.absolute(), 0)


def _row(stored: Stored) -> dict[str, Any]:
    return {
        "kind": stored.kind,
        "key": stored.key,
        "bytes": stored.size,
        "seconds": max(0.0, time.time() - stored.used),
        "of": stored.about(),
    }


def _age(seconds: float) -> str:
    """``3 hours ago``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "now"
