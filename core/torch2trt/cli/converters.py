"""``torch2trt converters``."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from ..report.text import table
from .common import AsJSON, errors_in_words, out, print_json


def converters(
    target: Annotated[
        str | None, typer.Option(help="show all converters of one target, such as aten.relu.default")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """List every target with the converter that is asked first, or the whole chain of one target."""
    with errors_in_words():
        chains = _chains(target)
    if as_json:
        rows = [row for chain in chains for row in (chain if target else chain[:1])]
        print_json(rows)
    elif target:
        _print_chain(chains[0])
    else:
        shown = table("target", "pack", "converter")
        for first, *_ in chains:
            shown.add_row(first["target"], first["pack"], escape(f"{first['converter']} ({first['source']})"))
        out.print(shown, f"{len(chains)} targets")


def _chains(target: str | None) -> list[list[dict[str, Any]]]:
    """The converters of each target, or of one, the first to be asked first."""
    from ..errors import TargetError, did_you_mean
    from ..packs.loading import installed
    from ..packs.targets import resolve

    registry = installed().registry
    known = {one.name: one for one in registry.targets}
    if target is None:
        return [_chain(registry.chain(known[name].obj)) for name in sorted(known)]
    chain = registry.chain(known[target].obj if target in known else resolve(target).obj)
    if not chain:
        raise TargetError(f"no installed pack has a converter of {target}{did_you_mean(target, known)}")
    return [_chain(chain)]


def _chain(chain: Any) -> list[dict[str, Any]]:
    rows, taken, asked = [], False, 0
    for converter in chain:
        place = converter.unmet or ("overridden" if taken else "asked next" if asked else "winner")
        asked += converter.unmet is None
        taken = taken or (converter.rejects is None and converter.unmet is None)
        rows.append({**_row(converter), "place": place})
    return rows


def _row(converter: Any) -> dict[str, Any]:
    rejects = converter.rejects
    return {
        "target": converter.target.name,
        "level": converter.target.level,
        "pack": converter.pack.name,
        "distribution": converter.pack.distribution,
        "version": converter.pack.version,
        "converter": converter.name,
        "source": converter.location,
        "file": converter.file,
        "schema": (converter.function.__doc__ or "").strip().partition("\n")[0],
        "requires": [str(requirement) for requirement in converter.requires],
        "rejects": getattr(rejects, "__qualname__", str(rejects)) if rejects else None,
    }


def _print_chain(rows: list[dict[str, Any]]) -> None:
    out.print(f"[bold]{escape(rows[0]['target'])}[/] ({rows[0]['level']})  {escape(rows[0]['schema'])}")
    for number, row in enumerate(rows, 1):
        pack = f"{row['distribution']} {row['version']}".strip()
        line = row["source"].rpartition(":")[2]
        details = [
            f"{row['converter']}",
            f"{row['file']}:{line}",
            f"declines some calls: {row['rejects']}" if row["rejects"] else "declines no call",
            *([f"requires {' or '.join(row['requires'])}"] if row["requires"] else []),
        ]
        out.print(f"{number}. [bold]{escape(row['place'])}[/]: {escape(row['pack'])} ({escape(pack)})")
        for detail in details:
            out.print(f"   {escape(detail)}", highlight=False, soft_wrap=True)
