"""One call of a plan by itself on the interpreter, which tells a wrong converter from a wrong engine."""

from __future__ import annotations

from typing import Any

import torch

from ..network.lower import lower
from ..plan.plan import Plan
from ..plan.planned import PlannedCall
from ..plan.segments import part
from ..reference import InterpreterError
from .evaluate import Values
from .measure import error
from .probe import exposable, on_interpreter, run

#: calls before a wrong one that are looked at
_NEAR = 12


def network_error(plan: Plan, planned: PlannedCall, operands: Values, expected: list[Any]) -> float | None:
    """The largest error of the layers of a call on the interpreter; None where that cannot run them.

    Args:
        plan: the plan.
        planned: the call.
        operands: the values of the program, those that the call takes among them.
        expected: the leaves that PyTorch gives for them.
    """
    segment = part(plan.program, [planned], plan.calls)
    inputs = {spec.name: torch.as_tensor(operands[ref]) for ref, spec in segment.inputs.items()}
    try:
        results = run(on_interpreter(lower(plan, segment)), inputs)
    except InterpreterError:
        return None
    wanted = {ref: expected[ref.index or 0] for ref, _ in segment.outputs if ref.name == planned.call.name}
    return max((error(results[name], wanted[ref]) for ref, name in segment.outputs if ref in wanted), default=None)


def before(plan: Plan, name: str) -> list[str]:
    """The calls before one whose results can be outputs, the nearest first."""
    calls = {planned.call.name: planned.call for planned in plan.calls}
    reachable, may_be = [name], {*exposable(plan)}
    for one in reachable:
        reachable += [ref.name for ref in calls[one].refs if ref.kind == "call" and ref.name not in reachable]
    return [one for one in dict.fromkeys(reachable) if one in may_be][:_NEAR]
