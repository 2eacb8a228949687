"""``convert(..., verify=True)``: a module is held against PyTorch before anyone gets it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..capture.inputs import Example
from ..errors import EngineError, VerificationError, VerificationWarning, warn
from ..plan.plan import Plan
from ..reference import InterpreterError, UnsupportedLayerError
from ..runtime.module import TRTModule
from ..runtime.runner import Runner
from .case import Case
from .compare import agree, compare_case, explained_in, find_breaks, probe_of_calls
from .evaluate import full_float32
from .measure import Tolerance
from .probe import RunnerOf, on_engine, on_interpreter, run
from .report import Comparison
from .shapes import cases_of


@full_float32()
def verified(
    finish: Callable[[Plan], TRTModule],
    model: Any,
    example: Example,
    inputs: Any,
    plan: Plan,
    runner_of: RunnerOf = on_engine,
) -> TRTModule:
    """The module of a plan, which computes what the model does at the smallest, the usual and the largest shapes.

    The network is evaluated by the interpreter and every call held against PyTorch; then the outputs of the engine are,
    where one can run.  An engine that is right as long as TensorRT cannot fuse is built again with the fewest results
    as outputs that mend it, which the manifest and a :class:`VerificationWarning` name.

    Args:
        finish: lowers, builds and loads a plan.
        model: what is converted.
        example: the example inputs of the conversion.
        inputs: inputs of the user's for a case more, or None.
        plan: the plan.
        runner_of: what runs the networks that are built in search of a fault.

    Raises:
        InputError: ``inputs`` do not fit.
        VerificationError: the module is wrong and cannot be mended; the first call that differs is named.
    """
    cases = cases_of(model, plan.program, example, inputs)
    plan = replace(plan, finish=finish)  # which does not keep the model and the example alive
    module = finish(plan)
    if not plan.is_one_engine:
        return held_by_outputs(module, plan, cases)
    _hold_network(plan, cases)
    try:
        runner = module.runner
    except EngineError as error:
        _warn(f"the engine itself was not held against PyTorch: {error}")
        return module
    wrong = [] if runner.kind == "reference" else _wrong(runner, plan, cases, Tolerance(runner.kind))
    return _mended(finish, plan, module, cases, wrong, runner_of) if wrong else module


def _mended(
    finish: Callable[[Plan], TRTModule],
    plan: Plan,
    module: TRTModule,
    cases: Sequence[Case],
    wrong: Sequence[Case],
    runner_of: RunnerOf,
) -> TRTModule:
    """The module with the breaks that make it right in all cases, or itself where only rounding is amplified."""
    where, tolerance = wrong[0].name, Tolerance(module.runtime)
    probe = probe_of_calls(plan, runner_of)
    comparison = compare_case(wrong[0], module.runner, probe, tolerance)
    if comparison.agrees:
        raise VerificationError(f"the engine differs from PyTorch at {where}, though not each time that it runs")
    comparison = replace(comparison, breaks=find_breaks(comparison, probe, wrong, tolerance))
    if not comparison.breaks:
        _judge(comparison, wrong[0])
        return module
    mended = finish(replace(plan, breaks=plan.breaks | comparison.breaks))
    if still := _wrong(mended.runner, plan, cases, tolerance):
        raise VerificationError(
            f"the engine differs from PyTorch at {still[0].name}, and no output mends it: {comparison.summary()}"
        )
    _warn(
        f"the engine was wrong at {where} and was mended with {len(comparison.breaks)} outputs more "
        f"({', '.join(sorted(comparison.breaks))}), which TensorRT cannot fuse away. {comparison.summary()}"
    )
    return mended


def held_by_outputs(
    module: TRTModule, plan: Plan, cases: Sequence[Case], tolerance: Tolerance | None = None
) -> TRTModule:
    """A module whose outputs are held against the model's, which is :class:`VerificationError` where they differ."""
    tolerance = tolerance or Tolerance(module.runtime)
    for case in _wrong(module.runner, plan, cases, tolerance):
        comparison = compare_case(case, module.runner, None, tolerance)
        raise VerificationError(f"the converted module differs from PyTorch at {case.name}: {comparison.summary()}")
    return module


def _hold_network(plan: Plan, cases: Sequence[Case]) -> None:
    """Hold every call of the network against PyTorch, on the interpreter."""
    probe = probe_of_calls(plan, on_interpreter)
    runner = on_interpreter(probe.network)
    for case in cases:
        try:
            comparison = compare_case(case, runner, probe, Tolerance("reference"))
        except UnsupportedLayerError as error:
            _warn(f"the network itself was not held against PyTorch: {error}")
            return
        except InterpreterError as error:
            raise VerificationError(f"the converted module cannot be run at {case.name}: {error}") from error
        _judge(comparison, case)


def _wrong(runner: Runner, plan: Plan, cases: Sequence[Case], tolerance: Tolerance) -> list[Case]:
    explained = explained_in(plan, tolerance)
    return [case for case in cases if not agree(run(runner, case.tensors), case, plan, explained)]


def _judge(comparison: Comparison, case: Case) -> None:
    if comparison.agrees:
        return
    text = f"the converted module differs from PyTorch at {case.name}: {comparison.summary()}"
    infinite = any(math.isinf(output.error) for output in comparison.outputs)
    if comparison.cause != "rounding" and (comparison.cause != "precision" or infinite):
        raise VerificationError(text)
    _warn(text)


def _warn(text: str) -> None:
    warn(text, VerificationWarning)
