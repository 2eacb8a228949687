"""The plan: for every call of a program which converter takes it, or every reason why none does.

Needs neither TensorRT nor a GPU, so the dry run ``torch2trt.explain`` is capture and plan alone.
"""

from __future__ import annotations

import collections
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from .call import Call
from .capture import Program
from .capture.program import fake, is_getitem
from .converters import Converter
from .dtypes import reason_unsupported
from .errors import UnsupportedError
from .packs import Packs
from .registry import Registry

#: ``convert``: a converter emits layers; ``fold``: only constants go in, PyTorch computes it once while lowering;
#: ``ask``: no converter, but packs with a ``torch2trt_convert`` hook are asked while lowering
Action = Literal["convert", "fold", "ask", "unsupported"]


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """What happens to one call."""

    call: Call
    action: Action
    converter: Converter | None
    #: why converters of the chain declined, or why there is none
    reasons: tuple[str, ...]
    #: the packs whose converters of the same target are not reached
    overrides: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-able values."""
        call, converter = self.call, self.converter
        return {
            "name": call.name,
            "target": call.target.name,
            "level": call.target.level,
            "action": self.action,
            "pack": str(converter.pack) if converter else None,
            "converter": converter.name if converter else None,
            "converter_source": converter.location if converter else None,
            "arguments": call.signature(),
            "module": call.module_path,
            "module_type": call.module_type,
            "source": call.source,
            "reasons": list(self.reasons),
            "overrides": list(self.overrides),
        }


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the program that runs as one; ``kind`` is ``engine`` until fallback to PyTorch adds another."""

    kind: Literal["engine"]
    nodes: tuple[torch.fx.Node, ...]
    inputs: tuple[torch.fx.Node, ...]
    outputs: tuple[torch.fx.Node, ...]


@dataclass(frozen=True)
class Plan:
    """The planned calls of a program, in order; prints as a table."""

    program: Program
    packs: Packs
    by_node: Mapping[torch.fx.Node, PlannedCall]

    def __iter__(self) -> Iterator[PlannedCall]:
        return iter(self.by_node.values())

    def __len__(self) -> int:
        return len(self.by_node)

    @property
    def unsupported(self) -> tuple[PlannedCall, ...]:
        """The calls that nothing takes."""
        return tuple(planned for planned in self if planned.action == "unsupported")

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The parts that run as one: the whole program is one engine."""
        nodes = tuple(node for node in self.program.graph.nodes if node.op == "call_function")
        return (Segment("engine", nodes, self.program.inputs, self.program.outputs),)

    def calls_by_pack(self) -> dict[str, int]:
        """How many calls each pack converts."""
        return dict(collections.Counter(planned.converter.pack.name for planned in self if planned.converter))

    def to_json(self) -> str:
        """All rows as a JSON array."""
        return json.dumps([planned.to_dict() for planned in self], indent=1)

    def check(self) -> None:
        """Raise one :class:`UnsupportedError` that lists every unsupported call."""
        if not self.unsupported:
            return
        lines = [f"{len(self.unsupported)} of {len(self)} calls have no converter:"]
        for planned in self.unsupported:
            call = planned.call
            lines.append(f"  {call.target.name}({call.signature()})")
            lines.append(f"    in {call.where}")
            lines += [f"    {reason}" for reason in planned.reasons]
        loaded = ", ".join(pack.name for pack in self.packs.packs) or "none"
        lines.append(
            f"Loaded packs: {loaded}. Install a pack that converts these (pip install torch2trt-ops-...), "
            "or write a converter: "
            "@torch2trt.converter('" + self.unsupported[0].call.target.name + "')"
        )
        raise UnsupportedError("\n".join(lines))

    def __str__(self) -> str:
        """The table, with a line of totals."""
        from rich.console import Console

        buffer = io.StringIO()
        console = Console(file=buffer, width=160)
        console.print(self.__rich__())
        return buffer.getvalue()

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.markup import escape
        from rich.table import Table

        table = Table("call", "arguments", "module", "source", "pack", "converter, or why not")
        for planned in self:
            call, converter = planned.call, planned.converter
            told = "; ".join(planned.reasons) if converter is None else f"{converter.name} ({converter.location})"
            if planned.overrides:
                told += f", overrides {', '.join(planned.overrides)}"
            if planned.action == "fold":
                told = "constant: computed once by PyTorch"
            table.add_row(
                *map(escape, (call.target.name, call.signature(), call.module_path, call.source)),
                converter.pack.name if converter else "",
                escape(told),
                style="red" if planned.action == "unsupported" else None,
            )
        packs = ", ".join(f"{count} by {name}" for name, count in sorted(self.calls_by_pack().items()))
        return Group(table, f"{len(self)} calls: {packs or 'none converted'}; {len(self.unsupported)} unsupported")


def plan(program: Program, packs: Packs) -> Plan:
    """Decide for every call of ``program`` what happens to it."""
    registry = packs.registry()
    dynamic_packs = packs.implementers("torch2trt_convert")
    constant = set(program.constants)
    planned: dict[torch.fx.Node, PlannedCall] = {}
    for node in program.graph.nodes:
        if is_getitem(node) and node.args[0] in constant:
            constant.add(node)
        if node not in program.calls:
            continue
        call = program.calls[node]
        if _foldable(node, call, constant):
            constant.add(node)
            planned[node] = PlannedCall(call, "fold", None, ())
        else:
            planned[node] = _choose(call, registry, dynamic_packs)
    return Plan(program, packs, planned)


def _foldable(node: torch.fx.Node, call: Call, constant: set[torch.fx.Node]) -> bool:
    overload = call.target.overload
    if overload is None or torch.Tag.nondeterministic_seeded in overload.tags:
        return False
    if not all(used in constant for used in node.all_input_nodes):
        return False
    values = fake(node) if isinstance(fake(node), (tuple, list)) else [fake(node)]
    return all(isinstance(v, torch.Tensor) and all(isinstance(s, int) for s in v.shape) for v in values)


def _choose(call: Call, registry: Registry, dynamic_packs: list[str]) -> PlannedCall:
    chain = registry.chain(call.target.obj)
    reasons: list[str] = []
    for position, converter in enumerate(chain):
        reason = _dtype_reason(call) or converter.reason_declined(call)
        if reason is None:
            overrides = tuple(later.pack.name for later in chain[position + 1 :])
            return PlannedCall(call, "convert", converter, tuple(reasons), overrides)
        reasons.append(f"{converter.pack.name}: {reason}")
    if not chain:
        reasons.append(f"no loaded pack has a converter of {call.target.name}")
    if dynamic_packs:
        reasons.append(f"asked while lowering: {', '.join(dynamic_packs)}")
        return PlannedCall(call, "ask", None, tuple(reasons))
    return PlannedCall(call, "unsupported", None, tuple(reasons))


def _dtype_reason(call: Call) -> str | None:
    for index, value in enumerate(call.results):
        if isinstance(value, torch.Tensor) and call.uses(index) and (reason := reason_unsupported(value.dtype)):
            return reason
    return None
