"""The page: what is known of a plan or a module, in a template that escapes everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .graph import HEIGHT, WIDTH, drawing_of

_TEMPLATE: Final = "page.html.jinja"
#: the words for what happens to a call
ACTIONS: Final = {
    "convert": "in an engine",
    "torch": "in PyTorch",
    "fold": "constant",
    "unsupported": "unsupported",
}
_TEXTS: Final = (
    *("id", "name", "target", "action", "pack", "converter", "converter_source", "arguments"),
    *("module", "module_type", "source", "narrowed", "kept"),
)
_LISTS: Final = ("takes", "results", "reasons", "overrides", "segments")


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows; all of it plain values, as JSON has them."""

    title: str
    #: what is said at the top, by name
    facts: Mapping[str, str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    #: the calls as plans list them
    calls: Sequence[Mapping[str, Any]]
    #: ``runs_in``, ``calls``, ``takes`` and ``gives`` of each segment
    segments: Sequence[Mapping[str, Any]] = ()
    #: a comparison with PyTorch as :meth:`torch2trt.Comparison.to_dict` gives it, and in words
    comparison: Mapping[str, Any] | None = None
    verdict: str = ""
    #: milliseconds of each layer of the engine, with the names of the calls that it comes of
    layers: Sequence[Mapping[str, Any]] = ()

    def render(self) -> str:
        """One file of HTML that needs nothing else: no network, no scripts or fonts of others."""
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("torch2trt", "report"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        calls = [_whole(call) for call in self.calls]
        errors = {row.get("id", row["name"]): row for row in (self.comparison or {}).get("calls", ())}
        return environment.get_template(_TEMPLATE).render(
            page=self,
            calls=calls,
            actions=ACTIONS,
            errors=errors,
            count={action: sum(call["action"] == action for call in calls) for action in ACTIONS},
            packs=_by_pack(calls),
            drawing=drawing_of([name.partition(" ")[0] for name in self.inputs], calls),
            node=(WIDTH, HEIGHT),
            slowest=max((layer["ms"] for layer in self.layers), default=0.0),
            total=sum(layer["ms"] for layer in self.layers),
        )


def _whole(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call with every column: what a file says of one may be of an earlier version, or made up."""
    lists = {name: [str(one) for one in given] for name in _LISTS if isinstance(given := call.get(name, []), list)}
    texts = {name: str(call.get(name) or "") for name in _TEXTS}
    return {name: lists.get(name, []) for name in _LISTS} | texts | {"id": texts["id"] or texts["name"]}


def _by_pack(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for call in calls:
        if call["pack"]:
            counts[call["pack"]] = counts.get(call["pack"], 0) + 1
    return dict(sorted(counts.items()))
