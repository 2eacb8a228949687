"""A plan as text: the table, JSON, and the error that lists what is unsupported."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from ..packs.converters import PackInfo
from .planned import PlannedCall


def printed(renderable: Any) -> str:
    """What ``rich`` prints of something, 160 characters wide."""
    from rich.console import Console

    # where the terminal cannot show box-drawing characters, rich draws with others
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding, errors="replace", newline="\n", write_through=True)
    Console(file=file, width=160).print(renderable)
    return written.getvalue().decode(encoding)


def table(calls: Sequence[PlannedCall], calls_by_pack: dict[str, int]) -> Any:
    """A ``rich`` table with a line of totals."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    rows = Table("call", "arguments", "module", "source", "pack", "converter, or why not")
    for planned in calls:
        call, converter = planned.call, planned.converter
        rows.add_row(
            *map(escape, (call.target.name, call.describe_arguments(), call.module_path, call.source)),
            converter.pack.name if converter else "",
            escape(_decision(planned)),
            style="red" if planned.action == "unsupported" else None,
        )
    packs = ", ".join(f"{count} by {name}" for name, count in sorted(calls_by_pack.items()))
    unsupported = sum(planned.action == "unsupported" for planned in calls)
    return Group(rows, f"{len(calls)} calls: {packs or 'none converted'}; {unsupported} unsupported")


def _decision(planned: PlannedCall) -> str:
    if planned.action == "fold":
        return "constant: computed once by PyTorch"
    if planned.converter is None:
        return "; ".join(planned.reasons)
    decision = f"{planned.converter.name} ({planned.converter.location})"
    if planned.overrides:
        decision += f", overrides {', '.join(planned.overrides)}"
    if planned.call.narrowed:
        decision += f"; the model computes it in {planned.call.narrowed}"
    if planned.reasons:
        decision += f"; declined by {'; '.join(planned.reasons)}"
    return decision


def to_json(calls: Sequence[PlannedCall]) -> str:
    """All rows as a JSON array."""
    return json.dumps([planned.to_dict() for planned in calls], indent=1)


def unsupported_message(
    calls: Sequence[PlannedCall], unsupported: Sequence[PlannedCall], packs: Sequence[PackInfo]
) -> str:
    """Every unsupported call with its module, its line and all reasons, and the ways on."""
    lines = [f"{len(unsupported)} of {len(calls)} calls have no converter:"]
    for planned in unsupported:
        call = planned.call
        lines.append(f"  {call.target.name}({call.describe_arguments()})")
        lines.append(f"    in {call.where}")
        lines += [f"    {reason}" for reason in planned.reasons]
    loaded = ", ".join(pack.name for pack in packs) or "none"
    lines.append(
        f"Loaded packs: {loaded}. Install a pack that converts these (pip install torch2trt-ops-...), "
        f"or write a converter: @torch2trt.converter('{unsupported[0].call.target.name}')"
    )
    return "\n".join(lines)
