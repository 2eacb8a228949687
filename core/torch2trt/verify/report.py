"""A comparison: data, a table, JSON, and what it comes to in words."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from ..plan.planned import PlannedCall
from ..report.text import printed, table

#: ``call``: a call computes something else from the same operands; ``engine``: it does on the engine, though not on the
#: interpreter; ``fusion``: all do not where TensorRT cannot fuse
#: them; ``capture``: the captured program is not the model; ``precision``: nor can it be in the precision asked for;
#: ``rounding``: the model amplifies what rounding explains
Cause = Literal["call", "engine", "fusion", "capture", "precision", "rounding"]


@dataclass(frozen=True, slots=True)
class OutputError:
    """The error of one output of the module."""

    name: str
    error: float
    tolerance: float

    @property
    def beyond(self) -> bool:
        """Whether rounding does not explain it."""
        return self.error > self.tolerance


@dataclass(frozen=True, slots=True, eq=False)
class CallError:
    """The error of the results of one call."""

    planned: PlannedCall
    #: the layers of the network that the call became
    layers: tuple[str, ...]
    #: against PyTorch, from the inputs of the module on; None where no result can be seen
    error: float | None
    tolerance: float
    #: against PyTorch from the same operands: what this call alone adds
    own: float | None
    own_tolerance: float
    #: of the first call that an engine has wrong: what its layers add on the interpreter, where that can run them
    network: float | None = None

    @property
    def beyond(self) -> bool:
        """Whether the call itself adds more than rounding explains."""
        return self.own is not None and self.own > self.own_tolerance

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-able values, with the columns of a plan's."""
        return {
            **self.planned.to_dict(),
            "layers": list(self.layers),
            "error": _number(self.error),
            "tolerance": self.tolerance,
            "own_error": _number(self.own),
            "own_tolerance": self.own_tolerance,
            "network_error": _number(self.network),
            "beyond": self.beyond,
        }

    def __str__(self) -> str:
        """What is called, where, by whom it was converted, and how far it is off."""
        call, converter = self.planned.call, self.planned.converter
        lines = [f"call {call.name}   target {call.target.name}   in {call.where}"]
        if converter is not None:
            lines.append(f"converter {converter.name} (pack {converter.pack}, {converter.location})")
        if self.layers:
            lines.append(f"layers {', '.join(self.layers[:4])}{', …' if len(self.layers) > 4 else ''}")
        if self.error is not None and self.own is not None:
            lines.append(
                f"error {self.error:.2g} of the largest value ({self.tolerance:.2g} is rounding), "
                f"{self.own:.2g} by this call alone ({self.own_tolerance:.2g} is rounding)"
            )
        return "\n".join(f"  {line}" for line in lines)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A converted module beside PyTorch for some inputs.  Prints as a table; errors are relative to the largest value.

    Args:
        runtime: what ran the module: ``"engine"`` or ``"reference"``.
        outputs: of the module against the model.
        captured: of the captured program, run by PyTorch, against the model.
        calls: of each call; empty for a module that was loaded from a file.
        fused: whether the outputs are right once TensorRT fuses nothing.
        breaks: the fewest calls whose results must not be fused away for an engine to be right, if that mends it.
        narrowed: whether the program computes in another precision than the model.
    """

    runtime: str
    outputs: tuple[OutputError, ...]
    captured: tuple[OutputError, ...] = ()
    calls: tuple[CallError, ...] = ()
    fused: bool = False
    breaks: frozenset[str] = frozenset()
    narrowed: bool = False

    @property
    def agrees(self) -> bool:
        """Whether rounding explains every difference: of the outputs, and of each call."""
        return not any(output.beyond for output in self.outputs) and self._wrong is None

    @property
    def _wrong(self) -> CallError | None:
        """The first call that adds more than rounding explains."""
        return next((call for call in self.calls if call.beyond), None)

    @property
    def cause(self) -> Cause | None:
        """What a difference comes from, as far as it is known; None where the two agree or only outputs were seen."""
        if wrong := self._wrong:
            return "call" if wrong.network is None or wrong.network > wrong.own_tolerance else "engine"
        if self.agrees or not self.calls:
            return None
        if any(output.beyond for output in self.captured):
            return "precision" if self.narrowed else "capture"
        return "fusion" if self.fused else "rounding"

    @property
    def first(self) -> CallError | None:
        """The first call that differs: by itself, or by a fusion, or else by what came before it."""
        if self.cause in (None, "capture", "precision"):
            return None
        if self.cause in ("call", "engine"):
            return self._wrong
        if self.cause == "fusion":
            return next((call for call in self.calls if call.planned.call.name in self.breaks), None)
        return next((call for call in self.calls if call.error is not None and call.error > call.tolerance), None)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON-able values; an infinite error is the text ``inf``."""
        return {
            "runtime": self.runtime,
            "agrees": self.agrees,
            "cause": self.cause,
            "first": self.first.planned.call.name if self.first else None,
            "breaks": sorted(self.breaks),
            "outputs": [_output(output) for output in self.outputs],
            "captured": [_output(output) for output in self.captured],
            "calls": [call.to_dict() for call in self.calls],
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=1)

    def summary(self) -> str:
        """What the comparison comes to, with the first call that differs."""
        worst = max((output.error for output in self.outputs), default=0.0)
        count = f"{len(self.outputs)} output" + "s" * (len(self.outputs) != 1)
        outputs = f"{count} on the runtime {self.runtime!r}, off by at most {worst:.2g}"
        head = {
            None: "they agree"
            if self.agrees
            else "they differ; only a module that was converted in this process can be compared call by call, and as "
            "one engine",
            "call": "the first call that is wrong:",
            "engine": "the layers of every call are right on the interpreter, TensorRT's engine is not, "
            + (f"unless {', '.join(sorted(self.breaks))} is an output too; " if self.breaks else "")
            + "the first call that it has wrong:",
            "fusion": "every call is right where its result is an output of the engine, so a fusion of TensorRT is "
            "wrong; mended by an output at:",
            "capture": "the captured program itself differs from the model, which torch.export specialized for the "
            "example inputs; export it with inputs like these, or narrow the sizes",
            "precision": "PyTorch itself computes as much else in the precision asked for, or with float32 for "
            "float64; ask for a wider one",
            "rounding": "every call is right by itself, the model amplifies rounding; beyond the tolerance from:",
        }[self.cause]
        return f"{outputs}: {head}" + (f"\n{self.first}" if self.first else "")

    def __str__(self) -> str:
        """The table, and the summary below."""
        return printed(self.__rich__())

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.markup import escape

        rows = table("call", "layers", "module", "source", "pack", "converter", "error", "by itself")
        for row in self.calls:
            call, converter = row.planned.call, row.planned.converter
            layers = row.layers[0] + (f" … {len(row.layers)}" if len(row.layers) > 1 else "") if row.layers else ""
            rows.add_row(
                *map(escape, (call.target.name, layers, call.module_path, call.source)),
                *map(escape, (converter.pack.name, converter.name) if converter else ("", "")),
                "" if row.error is None else f"{row.error:.2g}",
                "" if row.own is None else f"{row.own:.2g}",
                style="red" if row is self.first else None,
            )
        return Group(rows, escape(self.summary())) if self.calls else escape(self.summary())


def _output(output: OutputError) -> dict[str, Any]:
    return {"name": output.name, "error": _number(output.error), "tolerance": output.tolerance}


def _number(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
