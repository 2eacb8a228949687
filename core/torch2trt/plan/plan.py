"""The plan: for every call of a program which converter takes it, or every reason why none does.

Needs neither TensorRT nor a GPU, so the dry run ``torch2trt.explain`` is capture and plan alone.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from ..errors import FallbackWarning, RandomNumbersWarning, UnsupportedError, warn
from ..packs.loading import Packs
from ..program.profiles import in_profiles
from ..program.program import Program, draws, subprograms_of
from ..report.text import printed
from ..settings import Settings, chosen
from . import report
from .fallback import with_fallback
from .float32 import in_float32
from .named_calls import calls_named
from .planned import PlannedCall, plan_calls, walk
from .segments import Segment, whole

if TYPE_CHECKING:
    from ..runtime.module import TRTModule

_IN_FLOAT32: Final = "autocast's rules do not reach what a branch or a loop runs"


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that is decided about a conversion; no later step decides anything.  Prints as a table."""

    #: what was captured
    program: Program
    #: whose converters were asked
    packs: Packs
    #: the settings of the conversion
    settings: Settings
    #: the planned calls of the program, in order
    calls: tuple[PlannedCall, ...]
    #: the parts that run as one, in order; one engine, unless ``fallback=True`` has PyTorch run some calls
    segments: tuple[Segment, ...]
    #: lowers, builds and loads a plan: the steps to the right, which the plan itself does not know
    finish: Callable[[Plan], TRTModule]
    #: calls whose results leave the network as outputs of their own, which keeps TensorRT from fusing across them
    breaks: frozenset[str] = frozenset()

    def convert(self) -> TRTModule:
        """Carry the plan out: lower, build and load, without another capture.

        A plan holds the tensors that the model had when it was captured.  Their values are read now, also where they
        were changed in place since; from here on the module has weights of its own.

        Raises:
            UnsupportedError: calls without a converter, all listed with module path and line.
            ConversionError: a converter failed.
            BuildError: TensorRT could not build the engine.
        """
        module = self.finish(self)
        if all(segment.kind != "engine" for segment in self.segments):
            warn("PyTorch runs all of the converted module, no call is left for an engine", FallbackWarning)
        if self.settings.random is None and (
            drawing := [p.call for p in self if p.action == "convert" and not p.bodies and draws(p.call)]
        ):
            where = "".join(f"\n  {call.target.name} in {call.where}" for call in drawing)
            warn(
                "the random numbers of these calls are not PyTorch's: they are distributed as those, and made of the "
                "converted module's own buffer random_seed. random='engine' says that this is meant, random='refuse' "
                f"makes it an error:{where}",
                RandomNumbersWarning,
            )
        return module

    def __iter__(self) -> Iterator[PlannedCall]:
        """Every planned call, those of subprograms after the call that runs them."""
        return walk(self.calls)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def unsupported(self) -> tuple[PlannedCall, ...]:
        """The calls that nothing takes; :meth:`convert` raises an error that lists them."""
        return tuple(planned for planned in self if planned.action == "unsupported")

    @property
    def in_torch(self) -> tuple[PlannedCall, ...]:
        """The calls that PyTorch runs between engines, each with the reasons."""
        return tuple(planned for planned in self if planned.action == "torch")

    @property
    def is_one_engine(self) -> bool:
        """Whether TensorRT runs all of the program."""
        return len(self.segments) == 1 and self.segments[0].kind == "engine"

    def calls_by_pack(self) -> dict[str, int]:
        """How many calls each pack converts."""
        return dict(collections.Counter(planned.converter.pack.name for planned in self if planned.converter))

    def to_json(self) -> str:
        """All rows as a JSON array."""
        return report.to_json(tuple(self), self.segments)

    def to_html(self) -> str:
        """A self-contained page: every call with its converter and reasons, the segments, and the graph to search."""
        facts = {"loaded packs": ", ".join(map(str, self.packs.packs)), **chosen(self.settings.to_dict())}
        return report.to_html(tuple(self), self.segments, self.program, facts)

    def check(self) -> None:
        """Raise one :class:`UnsupportedError` that lists every unsupported call."""
        if unsupported := self.unsupported:
            raise UnsupportedError(
                report.unsupported_message(tuple(self), unsupported, self.packs.packs, self.settings.fallback)
            )

    def __str__(self) -> str:
        """The table, with a line of totals."""
        return printed(self.__rich__())

    def __rich__(self) -> Any:
        profiles = in_profiles(self.program.signature.inputs) if self.program.signature else ()
        return report.table(tuple(self), self.calls_by_pack(), self.segments, self.settings.precision, profiles)


def make_plan(
    program: Program,
    packs: Packs,
    settings: Settings,
    finish: Callable[[Plan], TRTModule],
    modules: Mapping[str, torch.nn.Module] | None = None,
) -> Plan:
    """Decide for every call of ``program`` what happens to it; ``modules`` are the model's, by their paths.

    Raises:
        InputError: ``run_in_torch`` or ``keep_fp32`` names what the program does not have.
    """
    kept = calls_named("keep_fp32", program, settings.keep_fp32, modules or {})
    if settings.low_precision is not None:
        kept = {call.name: _IN_FLOAT32 for call in program.calls if any(subprograms_of(call))} | kept
    if kept:
        program = in_float32(program, kept)
    calls = plan_calls(program, packs, settings.random)
    segments: tuple[Segment, ...] = (whole(program, calls),)
    if settings.fallback:
        calls, segments = with_fallback(
            program, calls, settings, calls_named("run_in_torch", program, settings.run_in_torch, modules or {})
        )
    return Plan(program, packs, settings, calls, segments, finish)
