"""``compare``: a converted module beside the model, output by output and call by call."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..errors import BuildError, EngineError, VerificationError
from ..network.lower import Network
from ..plan.plan import Plan
from ..plan.planned import PlannedCall
from ..program.call import Ref
from ..program.evaluate import device_of
from ..runtime.module import TRTModule
from ..runtime.runner import Runner
from .alone import before, network_error
from .case import Case, tensors_of
from .evaluate import Values, drawn_values, full_float32, is_arbitrary
from .measure import Tolerance, error
from .probe import Probe, RunnerOf, exposable, on_engine, on_interpreter, run
from .report import CallError, Comparison, OutputError
from .search import smallest


@full_float32()
def compare(model: Any, module: TRTModule, inputs: Any = None, *, tolerance: float | None = None) -> Comparison:
    """Hold a converted module against its model: every output, and the results of every call.

    Where the model writes buffers, both begin with those that the module has now and neither keeps the new ones, which
    are outputs too.

    The module's plan is lowered again with the results of its calls as outputs, and each call is evaluated by PyTorch
    twice: from the inputs on, and from what the module made of the call's operands, which tells a call that is wrong
    from one that got wrong operands.  On a GPU that takes the build of an engine.  Where TensorRT is right as long as
    it cannot fuse, the fewest calls that must stay apart are searched, which takes more builds.

    Args:
        model: what ``module`` was converted from.
        module: the converted module.  One that was loaded from a file, or that PyTorch runs parts of, is compared by
            its outputs only.
        inputs: a sequence of positional or a mapping of keyword inputs; None takes those of an ``ExportedProgram``.
        tolerance: the error of floating-point values that passes, relative to the largest value; by default what
            rounding explains in the dtypes of the call.

    Raises:
        InputError: inputs that the module does not take.
        EngineError: the module is empty, or nothing here can run it.
        VerificationError: PyTorch cannot run a call of the captured program here.
    """
    if module.signature is None:
        raise EngineError("this TRTModule is empty; fill it with load_state_dict, or make one with torch2trt.convert")
    case = Case(model, module.signature, *tensors_of(model, inputs), state=module.buffers_written())
    probe = None
    if module.lowered is not None:
        probe = probe_of_calls(module.lowered.plan, on_engine if module.runtime == "engine" else on_interpreter)
    explained = Tolerance(module.runtime, tolerance)
    comparison = compare_case(case, module.runner, probe, explained)
    if probe is not None:
        comparison = replace(comparison, breaks=find_breaks(comparison, probe, [case], explained))
    return comparison


def compare_case(case: Case, runner: Runner, probe: Probe | None, tolerance: Tolerance) -> Comparison:
    """The comparison of ``runner`` for one case, call by call with a probe of all calls; no break is searched."""
    actual = run(runner, case.tensors)
    if probe is None:
        explained = tolerance.of(*case.tensors.values(), *case.expected.values())
        return Comparison(runner.kind, output_errors(actual, case.expected, explained))
    plan = probe.plan
    explained = explained_in(plan, tolerance)
    exposed, results = probe(case.tensors)
    values = Values(plan.program, case.tensors, device_of(plan.program))
    calls = tuple(_call_errors(probe, values, results, case.tensors, tolerance))
    captured = {name: values[output] for name, output in plan.program.named_outputs.items()}
    # the model's random numbers are others: what PyTorch makes of the module's is what these outputs should be
    expected = case.expected | {name: captured[name] for name in drawn_outputs(plan)}
    outputs = output_errors({**actual, **{name: exposed[name] for name in drawn_outputs(plan)}}, expected, explained)
    return Comparison(
        runner.kind,
        outputs,
        output_errors(captured, expected, explained),
        calls,
        _mended(outputs, output_errors(exposed, expected, explained)),
        narrowed=plan.settings.precision is not None or any(planned.call.narrowed for planned in plan),
    )


def probe_of_calls(plan: Plan, runner_of: RunnerOf) -> Probe:
    """A probe in which the results of all calls can be seen."""
    return Probe(plan, exposable(plan), runner_of)


def find_breaks(comparison: Comparison, probe: Probe, cases: Sequence[Case], tolerance: Tolerance) -> frozenset[str]:
    """The fewest calls whose results must be outputs for the engine to agree with the model in all cases.

    Where a fusion is wrong they are all calls if more outputs can make an engine wrong, so that halving leads nowhere.
    Where an engine is wrong whatever its outputs are, they are one call before the wrong one, or none if none mends it.
    """
    plan = probe.plan
    explained = explained_in(plan, tolerance)

    def mends(breaks: Sequence[str]) -> bool:
        try:
            trial = Probe(plan, breaks, probe.runner_of)
        except BuildError:
            return False
        return all(agree(trial(case.tensors)[0], case, plan, explained) for case in cases)

    if comparison.cause == "engine" and comparison.first:
        near = before(plan, comparison.first.planned.call.name)
        return frozenset(next(([name] for name in near if mends([name])), []))
    if comparison.cause != "fusion":
        return frozenset()
    everything = exposable(plan)
    targets = {planned.call.name: planned.call.target.name for planned in plan.calls}
    # what goes wrong in many places goes wrong at the same kind of call
    found = smallest(sorted(everything, key=lambda name: targets[name]), mends)
    return frozenset(found if mends(found) else everything)


def explained_in(plan: Plan, tolerance: Tolerance) -> float:
    """The errors of outputs that rounding explains in the narrowest dtype of a program."""
    results = (result for call in plan.program.calls for result in call.results)
    return tolerance.of(*plan.program.inputs.values(), *results)


def output_errors(
    actual: Mapping[str, Any], expected: Mapping[str, torch.Tensor], tolerance: float
) -> tuple[OutputError, ...]:
    """The error of each expected output."""
    return tuple(OutputError(name, error(actual[name], want), tolerance) for name, want in expected.items())


def agree(actual: Mapping[str, Any], case: Case, plan: Plan, tolerance: float) -> bool:
    """Whether rounding explains every difference of the outputs, as far as they come of no random numbers."""
    drawn = drawn_outputs(plan)
    errors = output_errors(actual, case.expected, tolerance)
    return not any(output.beyond for output in errors if output.name not in drawn)


def drawn_outputs(plan: Plan) -> list[str]:
    """The names of the outputs that come of random numbers."""
    drawn = drawn_values(plan.program)
    return [name for name, output in plan.program.named_outputs.items() if output in drawn]


def _mended(outputs: Sequence[OutputError], exposed: Sequence[OutputError]) -> bool:
    """Whether outputs are right without fusions, and not by a hair: fusions round in other places too."""
    worst = max((output.error for output in outputs), default=0.0)
    return not any(output.beyond or output.error > worst / 2 for output in exposed)


def _call_errors(
    probe: Probe,
    values: Values,
    results: Mapping[Ref, torch.Tensor],
    tensors: Mapping[str, torch.Tensor],
    tolerance: Tolerance,
) -> Iterator[CallError]:
    """A row for each call; ``values`` are left with those of the program's outputs."""
    plan, layers, found = probe.plan, _layers(probe.network), False
    module_values = Values(plan.program, tensors, device_of(plan.program))
    explained = tolerance.of(*tensors.values())
    for planned in plan.calls:
        call = planned.call
        expected = values.run(call)
        try:
            alone = module_values.run(call)
        except VerificationError:  # after a wrong call the operands may be none that PyTorch takes
            alone = expected
        seen = [results.get(Ref("call", call.name, index)) for index in range(len(alone))]
        used = [one if tensor is None else _like(tensor, one) for tensor, one in zip(seen, alone, strict=True)]
        if is_arbitrary(call):  # the module's values are as right as any
            expected = alone = used
        own_tolerance = tolerance.of(*alone, *pytree.tree_leaves((call.args, call.kwargs)))
        explained = max(explained, own_tolerance)
        row = CallError(
            planned,
            tuple(layers.get(call.name, ())),
            _largest(seen, expected, planned),
            explained,
            _largest(seen, alone, planned),
            own_tolerance,
        )
        if row.beyond and not found and tolerance.runtime == "engine":
            found, row = True, replace(row, network=network_error(plan, planned, module_values, alone))
        yield row
        values.keep(call, expected)
        module_values.keep(call, used)


def _like(tensor: torch.Tensor, one: Any) -> Any:
    """A result as the module has it, in the form in which PyTorch passes it on: a number, or a tensor's strides."""
    if not isinstance(one, torch.Tensor):
        return type(one)(tensor.item())
    tensor = tensor.to(one.device)
    if tensor.shape != one.shape or tensor.stride() == one.stride():
        return tensor
    return torch.empty_like(one).copy_(tensor)


def _largest(seen: Sequence[Any], expected: Sequence[Any], planned: PlannedCall) -> float | None:
    errors = [
        error(tensor, want)
        for index, (tensor, want) in enumerate(zip(seen, expected, strict=True))
        if tensor is not None and planned.call.uses(index)
    ]
    return max(errors, default=None)


def _layers(network: Network) -> dict[str, list[str]]:
    """The names of the layers that each call became, by its id, which is the name of those outside of subprograms."""
    names = defaultdict(list)
    for index in range(network.network.num_layers):
        layer = network.network.get_layer(index)
        if layer.metadata:
            names[json.loads(layer.metadata)["id"]].append(layer.name)
    return names
