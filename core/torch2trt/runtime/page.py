"""What a converted module is, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..program.call import Ref
from ..program.signature import Signature
from ..report.page import Page
from ..settings import chosen
from .engine import Engine
from .parts import EnginePart, Hybrid, TorchPart


def page_of(
    body: Engine | Hybrid | None,
    signature: Signature,
    rows: Sequence[Mapping[str, Any]],
    comparison: Any = None,
    layers: Sequence[Mapping[str, Any]] = (),
) -> Page:
    """The page of a module.

    Args:
        body: its engine, or its segments; None where nothing was built.
        signature: its calling convention.
        rows: its calls, where a plan still knows them; else they are those that the engine and the segments keep.
        comparison: a ``Comparison`` of the module with PyTorch.
        layers: the times of the engine's layers.
    """
    parts: Sequence[Any] = body.parts if isinstance(body, Hybrid) else [body] if body else []
    return Page(
        "A converted module",
        _facts(parts),
        list(map(str, signature.inputs)),
        list(dict.fromkeys(signature.outputs)),
        _kept(parts) or rows,
        [_segment(part) for part in parts] if isinstance(body, Hybrid) else (),
        comparison.to_dict() if comparison else None,
        comparison.summary() if comparison else "",
        layers,
    )


def _kept(parts: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Every call once with the segments that run it: what costs nothing is in all that need it."""
    kept: dict[Any, dict[str, Any]] = {}
    for number, part in enumerate(parts):
        for row in _rows(part):
            kept.setdefault(row.get("id", row.get("name")), {**row, "segments": []})["segments"].append(number)
    return list(kept.values())


def _engine(part: Any) -> Engine | None:
    return part.engine if isinstance(part, EnginePart) else part if isinstance(part, Engine) else None


def _rows(part: Any) -> Sequence[Mapping[str, Any]]:
    engine = _engine(part)
    if engine is not None:
        calls: list[dict[str, Any]] = engine.provenance.get("calls", [])
        return calls
    return part.rows if isinstance(part, TorchPart) else ()


def _facts(parts: Sequence[Any]) -> dict[str, str]:
    engines = [engine for part in parts if (engine := _engine(part)) is not None]
    facts = {f"engine {number}" if len(engines) > 1 else "engine": str(one) for number, one in enumerate(engines)}
    for engine in engines[:1]:
        facts |= chosen(engine.provenance.get("settings", {}))
    if unknown := sum(isinstance(part, EnginePart) and part.engine is None for part in parts):
        facts["not built"] = f"{unknown} segments, whose calls are not known"
    return facts or {"engine": "none was built"}


def _segment(part: EnginePart | TorchPart) -> dict[str, Any]:
    rows = _rows(part)
    if isinstance(part, TorchPart):
        runs_in = "PyTorch, compiled by inductor" if part.compiled else "PyTorch"
        takes = [_name(ref) for ref in part.taken if ref.kind != "constant"]
        return {"runs_in": runs_in, "calls": len(rows), "takes": takes, "gives": list(map(_name, part.outputs))}
    takes, gives = list(map(str, part.inputs.values())), [name for _, name in part.outputs]
    return {"runs_in": "an engine", "calls": len(rows), "takes": takes, "gives": gives}


def _name(ref: Ref) -> str:
    return str(ref).removeprefix("%")
