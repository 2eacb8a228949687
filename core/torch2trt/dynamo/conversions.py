"""The conversions of one graph of Dynamo with the same weights: for the sizes and numbers that come."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import torch

from ..api import explain
from ..errors import CaptureError, FallbackWarning, InputError, NarrowedRangeWarning, Torch2TRTError, warn
from ..plan.plan import Plan
from ..program.leaves import SEED
from ..runtime.module import TRTModule
from ..settings import Settings
from .graph import Graph, dynamic_shapes, range_around
from .run_in_torch import replanned
from .taken import Taken

#: how often a graph is converted, as often as Dynamo compiles a frame by default
_MOST: Final = 8
#: the sizes and numbers of a call that vary
_Varying = tuple[int, ...]


class Retaken(Exception):  # noqa: N818  # no error: the call begins again
    """The graph takes something else than was thought: it writes a buffer, which is then an input."""


class Source:
    """What is converted.

    Args:
        graph_module: the graph.
        taken: what it takes.
        settings: those of the conversions.
    """

    def __init__(self, graph_module: torch.fx.GraphModule, taken: Taken, settings: Settings) -> None:
        self.graph_module, self.settings = graph_module, settings
        #: conversions take turns
        self.lock = threading.RLock()
        #: whether sizes and numbers may vary in one conversion; not where that failed
        self.varies = bool(taken.dims or taken.numbers)
        self.take(taken)

    def take(self, taken: Taken) -> None:
        """What the graph takes, once it is known."""
        places = taken.places
        self.taken = taken
        self.constants = [places[name] for name in taken.constants]
        self.tensors = [places[name] for name in taken.tensors]
        self.floats = [places[name] for name in taken.floats]
        self.dims = [(places[name], dim) for name, dim in taken.dims]
        self.numbers = [places[name] for name in taken.numbers]

    def varying(self, args: Sequence[Any]) -> _Varying:
        """The sizes and numbers of a call."""
        return (*[args[place].shape[dim] for place, dim in self.dims], *[args[place] for place in self.numbers])


@dataclass(frozen=True)
class Converted:
    """A module of a graph."""

    module: TRTModule
    #: where its inputs stand among the arguments of the graph
    tensors: Sequence[int]
    floats: Sequence[int]
    numbers: Sequence[int]
    #: the only sizes and numbers that it is for; None where it says itself
    only: _Varying | None
    #: the tensors that it writes
    writes: Sequence[int]

    def inputs(self, args: Sequence[Any]) -> list[torch.Tensor]:
        """The module's own inputs of a call."""
        inputs = [args[place] for place in self.tensors]
        inputs += [args[place].float() for place in self.floats]
        return inputs + [torch.tensor(args[place]) for place in self.numbers]

    def takes(self, args: Sequence[Any], varying: _Varying) -> bool:
        """Whether it is for a call."""
        if self.only is not None:
            return self.only == varying
        assert self.module.signature is not None
        try:
            self.module.signature.flatten(self.inputs(args), {})
        except InputError:
            return False
        return True

    def __call__(self, args: Sequence[Any]) -> Sequence[Any]:
        """Run it."""
        results: Sequence[Any] = self.module(*self.inputs(args))
        return results


class Conversions:
    """The modules of a graph.

    Args:
        source: what is converted.
        count: how often it was before, with other weights.
    """

    def __init__(self, source: Source, count: int) -> None:
        self._source, self.count = source, count
        self._converted: list[Converted] = []
        self._chosen: dict[_Varying, Converted | None] = {}

    def of(self, args: Sequence[Any]) -> Converted | None:
        """What runs a call; None is PyTorch."""
        varying = self._source.varying(args)
        if varying not in self._chosen:
            with self._source.lock:
                if varying not in self._chosen:
                    self._chosen[varying] = self._choose(args, varying)
        return self._chosen[varying]

    def _choose(self, args: Sequence[Any], varying: _Varying) -> Converted | None:
        fitting = (converted for converted in self._converted if converted.takes(args, varying))
        try:
            return next(fitting, None) or self._convert(args, varying)
        except (CaptureError, InputError) as error:
            if not self._source.settings.fallback:
                raise
            warn(f"PyTorch runs a graph of torch.compile: {str(error).splitlines()[0]}", FallbackWarning)
            return None

    def _convert(self, args: Sequence[Any], varying: _Varying) -> Converted:
        source = self._source
        if source.varies:
            try:
                converted = self._converted_for(args, None)
                if converted.takes(args, varying):
                    return converted
            except Torch2TRTError:  # said again where these sizes are the reason too
                source.varies = False
        return self._converted_for(args, varying)

    def _converted_for(self, args: Sequence[Any], only: _Varying | None) -> Converted:
        source = self._source
        if self.count == _MOST:
            raise InputError(
                f"it was converted {_MOST} times already, as sizes, numbers or weights changed; state the range of a "
                "size with torch._dynamo.mark_dynamic(tensor, dim, min=..., max=...), and load weights before the "
                "first call"
            )
        # what a module keeps is written in any mode
        with torch.inference_mode(False), torch.no_grad():
            plan = _planned(source, args, only is None)
            self.count += 1
            module = plan.convert()
            if (seed := getattr(module.state, SEED, None)) is not None:
                seed.random_(2**31 - 1)  # another one for each conversion, of the generator that users seed
        assert module.signature is not None
        places = source.taken.places
        writes = [places[leaf.name] for leaf in module.signature.output_leaves if leaf.kind == "mutated"]
        numbers = source.numbers if only is None else ()
        converted = Converted(module, source.tensors, source.floats, numbers, only, writes)
        self._converted.append(converted)
        return converted


def _planned(source: Source, args: Sequence[Any], varies: bool) -> Plan:
    with warnings.catch_warnings():
        # other sizes are converted when they come
        warnings.simplefilter("ignore", NarrowedRangeWarning)
        plan = _plan(source, args, varies)
    assert plan.program.signature is not None
    written = [buffer.path for buffer in plan.program.signature.state if buffer.path != SEED]
    if unknown := [path for path in written if path not in source.taken.constants]:
        raise CaptureError(f"it writes into its constant {unknown[0]!r}")
    if written:
        source.take(source.taken.varying(written))
        raise Retaken
    return plan


def _plan(source: Source, args: Sequence[Any], varies: bool) -> Plan:
    taken = source.taken
    constants = {name: args[taken.places[name]] for name in taken.constants}
    numbers = {name: args[taken.places[name]] for name in taken.numbers}
    ranges = {name: range_around(number, taken.numbers[name]) for name, number in numbers.items()} if varies else {}
    sizes = {
        (name, dim): range_around(args[taken.places[name]].shape[dim], bounds)
        for (name, dim), bounds in (taken.dims.items() if varies else ())
    }
    graph = Graph(source.graph_module, taken, constants, numbers, ranges)
    inputs = [_apart(args[place]) for place in source.tensors] + [args[place].float() for place in source.floats]
    inputs += [torch.tensor(numbers[name]) for name in ranges]
    shapes = dynamic_shapes([*taken.tensors, *taken.floats, *ranges], sizes) if sizes else None
    settings = {field.name: getattr(source.settings, field.name) for field in fields(Settings)}
    entries = settings.pop("run_in_torch")
    plan = explain(graph, inputs, dynamic_shapes=shapes, **settings)
    return replanned(plan, graph.graph.graph, entries) if entries else plan


def _apart(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor to trace with, which records nothing."""
    return tensor.clone() if tensor.is_inference() else tensor.detach()
