"""``convert(..., autotune=True)``: the engine, or PyTorch's kernels under a CUDA graph, whichever is faster here."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from ..capture.inputs import Example
from ..errors import AutotuneWarning, Torch2TRTError, VerificationError, warn
from ..plan.fallback import all_in_torch
from ..plan.plan import Plan
from ..plan.planned import plan_calls
from ..plan.segments import Kind
from ..program.program import Program
from ..runtime.module import TRTModule
from ..runtime.runner import Runner
from ..runtime.torch_run import may_be_compiled, why_not_compiled
from ..runtime.whole import WholeGraph
from ..verify.case import Case
from ..verify.evaluate import full_float32
from ..verify.measure import Tolerance
from ..verify.shapes import cases_of
from ..verify.verify import held_by_outputs
from .moves import with_few_moves
from .timing import timed

#: microseconds of a call of each runner
Timed = Callable[[Sequence[Runner], Mapping[str, torch.Tensor]], list[float]]

#: by how much PyTorch has to be faster: less is within what two runs of one engine differ by
_CLEARLY: Final = 0.98
#: what users call what runs a program
_ENGINE: Final = "the engine"
_TORCH: Final = "PyTorch"
_INDUCTOR: Final = "PyTorch with inductor's kernels"


def autotuned(
    finish: Callable[[Plan], TRTModule], model: Any, example: Example, plan: Plan, timed: Timed = timed
) -> TRTModule:
    """The module of a plan, or one that PyTorch runs where that is clearly faster at the usual shapes.

    Each is first held against the model at the smallest, the usual and the largest shapes; one that differs is dropped.

    Args:
        finish: lowers, builds and loads a plan.
        model: what is converted.
        example: the example inputs of the conversion.
        plan: the plan.
        timed: measures.

    Raises:
        VerificationError: nothing computes what the model does.
    """
    plan = replace(plan, finish=finish)  # which does not keep the model and the example alive
    module = finish(plan)
    if module.runtime != "engine":
        warn("autotune=True compares on a GPU that runs the engine, and there is none: it is kept", AutotuneWarning)
        return module
    with full_float32():
        cases = cases_of(model, plan.program, example)
    usual = next((case for case in cases if case.name.split()[1] == "usual"), cases[0] if cases else None)
    if usual is None:
        return module
    candidates = {_ENGINE: module} | {name: _in_torch(rival, kind, name) for name, kind, rival in _rivals(plan)}
    found = {name: one for name, one in candidates.items() if one is not None and _is_right(one, name, plan, cases)}
    if not found:
        raise VerificationError("the converted module differs from PyTorch, and so does what PyTorch runs of it")
    chosen = found[_fastest(found, usual, timed)]
    found, candidates = {}, {}
    gc.collect()  # what was traced and compiled for the others has circles, and may hold memory of the GPU
    return chosen


def _fastest(found: Mapping[str, TRTModule], case: Case, timed: Timed) -> str:
    """The engine, or what is clearly faster, of which a warning tells."""
    times = dict(zip(found, timed([one.runner for one in found.values()], case.tensors), strict=True))
    fastest = min(times, key=times.__getitem__)
    if times[fastest] >= _CLEARLY * times.get(_ENGINE, math.inf):
        return _ENGINE
    told = ", ".join(f"{name} took {time:.0f} us" for name, time in times.items())
    text = f"{fastest} runs the converted module, under a CUDA graph; at {case.name} {told}"
    warn(f"autotune=True: {text}", AutotuneWarning)
    return fastest


def _rivals(plan: Plan) -> Iterator[tuple[str, Kind, Plan]]:
    """What PyTorch may run the program as, by names: also with the kernels of packs that have some for it."""
    plain = _planned(plan, plan.program)
    yield _TORCH, "torch", plain
    yield _INDUCTOR, "inductor", plain
    for pack in plan.packs.implementers("torch2trt_kernels"):
        program = plan.packs.call_one("torch2trt_kernels", pack.name, program=plan.program)
        if program is not None:
            yield f"{_INDUCTOR} and those of {pack.name}", "inductor", _planned(plan, program)


def _planned(plan: Plan, program: Program) -> Plan:
    program = with_few_moves(program)
    return replace(plan, program=program, calls=plan_calls(program, plan.packs, plan.settings.random))


def _in_torch(plan: Plan, kind: Kind, name: str) -> TRTModule | None:
    """What PyTorch runs of the plan, where that can be a CUDA graph: call for call it is no rival."""
    own = [planned.call for planned in plan.calls if planned.action != "fold"]
    if kind == "inductor" and (why_not_compiled(torch.device("cuda")) or not may_be_compiled(own)):
        return None
    reason = f"autotune=True: {name} was faster than the engine"
    calls, segments = all_in_torch(plan.program, plan.calls, reason, kind)
    module = plan.finish(replace(plan, calls=calls, segments=segments))
    return module if isinstance(module.runner, WholeGraph) else None


def _is_right(module: TRTModule, name: str, plan: Plan, cases: Sequence[Case]) -> bool:
    """Whether a module computes what the model does; a warning says that one does not."""
    try:
        # as it will run: PyTorch may compute in TF32 then, as engines do
        held_by_outputs(module, plan, cases, Tolerance("engine"))
    except (Torch2TRTError, RuntimeError) as error:  # of inductor: anything
        warn(f"autotune=True drops {name}: {error}", AutotuneWarning)
        return False
    return True
