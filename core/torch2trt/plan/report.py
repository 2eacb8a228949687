"""A plan as text: the table, JSON, and the error that lists what is unsupported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..packs.converters import PackInfo
from ..program.leaves import TensorSpec
from ..program.program import Program
from ..report import text
from ..report.page import Page
from .planned import PlannedCall
from .segments import Segment

_RUNS_IN: Final = {"engine": "an engine", "torch": "PyTorch", "inductor": "PyTorch, compiled by inductor"}


def table(
    calls: Sequence[PlannedCall],
    calls_by_pack: dict[str, int],
    segments: Sequence[Segment],
    precision: Any = None,
    profiles: Sequence[Sequence[TensorSpec]] = (),
) -> Any:
    """A ``rich`` table with a line of totals, and one for each of several profiles; of several segments a table too."""
    from rich.console import Group
    from rich.markup import escape

    rows = text.table("call", "arguments", "module", "source", "pack", "converter, or why not")
    for planned in calls:
        call, converter = planned.call, planned.converter
        rows.add_row(
            *map(escape, (call.target.name, call.describe_arguments(), call.module_path, call.source)),
            converter.pack.name if converter else "",
            escape(_decision(planned)),
            style={"unsupported": "red", "torch": "yellow"}.get(planned.action),
        )
    packs = ", ".join(f"{count} by {name}" for name, count in sorted(calls_by_pack.items()))
    unsupported = sum(planned.action == "unsupported" for planned in calls)
    in_torch = sum(planned.action == "torch" for planned in calls)
    totals = [
        packs or "none converted",
        *([f"{in_torch} in PyTorch"] if in_torch else []),
        f"{unsupported} unsupported",
        *([f"precision {precision}"] if precision else []),
        *([f"{kept} kept in float32"] if (kept := sum(bool(planned.call.kept) for planned in calls)) else []),
    ]
    parts: list[Any] = [rows, f"{len(calls)} calls: {'; '.join(totals)}"]
    if len(profiles) > 1:
        parts += [f"profile {index}: {', '.join(map(str, specs))}" for index, specs in enumerate(profiles)]
    return Group(*parts, _segments(segments)) if in_torch else Group(*parts)


def _segments(segments: Sequence[Segment]) -> Any:
    """A ``rich`` table of what runs one after the other, with what goes in and out of each."""
    from rich.markup import escape

    rows = text.table("segment", "runs in", "calls", "takes", "gives")
    for number, segment in enumerate(segments):
        takes, gives = map(str, segment.inputs.values()), (name for _, name in segment.outputs)
        rows.add_row(
            str(number),
            _RUNS_IN[segment.kind],
            str(segment.size),
            *(escape(", ".join(names)) for names in (takes, gives)),
        )
    return rows


def _decision(planned: PlannedCall) -> str:
    if planned.action == "fold":
        return "constant: computed once by PyTorch"
    if planned.converter is None:
        where = "PyTorch: " if planned.action == "torch" else ""
        return where + "; ".join(planned.reasons)
    decision = f"{planned.converter.name} ({planned.converter.location})"
    if planned.overrides:
        decision += f", overrides {', '.join(planned.overrides)}"
    if planned.call.narrowed:
        decision += f"; the model computes it in {planned.call.narrowed}"
    if planned.call.kept:
        decision += f"; float32: {planned.call.kept}"
    if planned.reasons:
        decision += f"; declined by {'; '.join(planned.reasons)}"
    return decision


def to_rows(calls: Sequence[PlannedCall], segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """All rows; each names the segments that run the call, which those of a subprogram do not."""
    places: dict[str, list[int]] = {}
    for number, segment in enumerate(segments):
        for planned in segment.calls:
            places.setdefault(planned.id, []).append(number)
    return [{**planned.to_dict(), "segments": places.get(planned.id, [])} for planned in calls]


def to_json(calls: Sequence[PlannedCall], segments: Sequence[Segment]) -> str:
    """All rows as a JSON array."""
    return json.dumps(to_rows(calls, segments), indent=1)


def to_html(
    calls: Sequence[PlannedCall], segments: Sequence[Segment], program: Program, facts: Mapping[str, str]
) -> str:
    """A page of all rows."""
    parts = [
        {
            "runs_in": _RUNS_IN[segment.kind],
            "calls": segment.size,
            "takes": list(map(str, segment.inputs.values())),
            "gives": [name for _, name in segment.outputs],
        }
        for segment in segments
    ]
    assert program.signature is not None
    inputs = list(map(str, program.signature.inputs))
    outputs = list(program.named_outputs)
    return Page("Plan of a conversion", facts, inputs, outputs, to_rows(calls, segments), parts).render()


def unsupported_message(
    calls: Sequence[PlannedCall], unsupported: Sequence[PlannedCall], packs: Sequence[PackInfo], fallback: bool
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
        f"or write a converter, @torch2trt.converter('{unsupported[0].call.target.name}'), in a pack "
        "(torch2trt new-pack) or in a module that you give with packs=Packs.load(extra=[module])"
        + ("" if fallback else "; or let PyTorch run these calls between engines: fallback=True")
    )
    return "\n".join(lines)
