"""``convert(..., autotune=True)``: the engine, or PyTorch's kernels under a CUDA graph, whichever is faster here."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from ..capture.inputs import Example
from ..errors import AutotuneWarning, warn
from ..plan.fallback import all_in_torch
from ..plan.plan import Plan
from ..runtime.module import TRTModule
from ..runtime.runner import Runner
from ..runtime.whole import WholeGraph
from ..verify.shapes import cases_of

Tensors = Mapping[str, torch.Tensor]
#: microseconds of a call of each runner
Timed = Callable[[Sequence[Runner], Tensors], list[float]]

#: by how much PyTorch has to be faster: less is within what two runs of one engine differ by
_CLEARLY: Final = 0.97
#: until kernels that are compiled beside the calls, and the graphs of shapes that come back, are there
_WARM_UP: Final = 40
_ROUNDS, _CALLS = 7, 20


def timed(runners: Sequence[Runner], tensors: Tensors) -> list[float]:
    """Microseconds of a call of each runner on the GPU: medians of rounds in turns."""
    tensors = {name: tensor.cuda() for name, tensor in tensors.items()}
    for runner in runners:
        for _ in range(_WARM_UP):
            runner(tensors)
    taken: list[list[float]] = [[] for _ in runners]
    for _ in range(_ROUNDS):
        for times, runner in zip(taken, runners, strict=True):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            start.record()
            for _ in range(_CALLS):
                runner(tensors)
            end.record()
            end.synchronize()
            times.append(1e3 * start.elapsed_time(end) / _CALLS)
    return [statistics.median(times) for times in taken]


def autotuned(
    finish: Callable[[Plan], TRTModule], model: Any, example: Example, plan: Plan, timed: Timed = timed
) -> TRTModule:
    """The module of a plan, or one that PyTorch runs where that is clearly faster at the usual shapes.

    Args:
        finish: lowers, builds and loads a plan.
        model: what is converted.
        example: the example inputs of the conversion.
        plan: the plan.
        timed: measures.
    """
    plan = replace(plan, finish=finish)  # which does not keep the model and the example alive
    module = finish(plan)
    if module.runtime != "engine":
        warn("autotune=True compares on a GPU that runs the engine, and there is none: it is kept", AutotuneWarning)
        return module
    other = finish(_in_torch(plan, "autotune=True compares it"))
    cases = {case.name.split()[1]: case for case in cases_of(model, plan.program, example)}
    case = cases.get("usual") or cases.get("smallest")
    if case is None or not isinstance(other.runner, WholeGraph):
        return module  # PyTorch by itself, call for call, is no rival
    engine, pytorch = timed([module.runner, other.runner], case.tensors)
    if pytorch >= _CLEARLY * engine:
        return module
    why = f"PyTorch took {pytorch:.0f} us at {case.name}, the engine {engine:.0f} us"
    warn(f"autotune=True has PyTorch run the converted module, under a CUDA graph: {why}", AutotuneWarning)
    return finish(_in_torch(plan, f"autotune=True: {why}"))


def _in_torch(plan: Plan, reason: str) -> Plan:
    calls, segments = all_in_torch(plan.program, plan.calls, reason)
    return replace(plan, calls=calls, segments=segments)
