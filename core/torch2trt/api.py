"""The public functions: ``convert`` and ``explain``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

import torch
from torch.export import ExportedProgram
from typing_extensions import Unpack

from . import _trt
from .capture.export import capture
from .capture.given import check_model
from .capture.inputs import Example, example_inputs, inputs_of_exported
from .capture.subclasses import opened
from .dtypes import why_unsupported
from .errors import ConversionError, InputError
from .keywords import takes_settings
from .network.build import build
from .network.engines import engines_of
from .network.lower import Network, lower
from .network.refit import refittable
from .packs.brought import brought
from .packs.loading import Packs
from .packs.user import current_packs
from .plan.plan import Plan, make_plan
from .plan.planned import walk
from .plan.segments import Segment, renamed
from .program.call import state_of
from .program.evaluate import device_of
from .runtime.choose import runtime_of, will_interpret
from .runtime.engine import Engine
from .runtime.module import TRTModule
from .runtime.parts import EnginePart, Hybrid, TorchPart, own_constants, owning
from .runtime.reference import ReferenceRunner
from .runtime.state import State
from .runtime.waiting import may_wait
from .settings import Settings, SettingsKeywords


@takes_settings
def explain(
    model: Any,
    inputs: Any = None,
    *,
    dynamic_shapes: Any = None,
    packs: Packs | None = None,
    verify_inputs: Any = None,
    **settings: Unpack[SettingsKeywords],
) -> Plan:
    """The dry run of :func:`convert`: which pack's converter takes every call of the model, or why none does.

    Needs neither TensorRT nor a GPU.  Takes the arguments of :func:`convert`.

    Returns:
        a plan, which prints as a table, dumps with ``to_json()``, and converts with ``convert()``.
    """
    chosen = Settings(**settings)
    packs, model = packs or current_packs(), opened(model)
    example = _example(model, inputs, dynamic_shapes)
    if verify_inputs is not None and not chosen.verify:
        raise InputError("verify_inputs are for verify=True; give both, or neither")
    finish: Callable[[Plan], TRTModule] = _finish
    if chosen.verify:
        from .verify.verify import verified

        finish = functools.partial(verified, _finish, model, example, verify_inputs)
    if chosen.autotune:
        from .tune.autotune import autotuned

        finish = functools.partial(autotuned, finish, model, example)
    if chosen.refittable:
        alone: SettingsKeywords = {**settings, "verify": False, "autotune": False}
        again = functools.partial(explain, inputs=inputs, dynamic_shapes=dynamic_shapes, packs=packs, **alone)
        finish = functools.partial(refittable, finish, again)
    modules = dict(model.named_modules()) if isinstance(model, torch.nn.Module) else {}
    return make_plan(capture(model, example, packs, chosen), packs, chosen, finish, modules)


@takes_settings
def convert(
    model: Any,
    inputs: Any = None,
    *,
    dynamic_shapes: Any = None,
    packs: Packs | None = None,
    verify_inputs: Any = None,
    **settings: Unpack[SettingsKeywords],
) -> TRTModule:
    """Convert a model to a module that runs a TensorRT engine.

    Args:
        model: a ``torch.nn.Module`` in eval mode, a callable, or a ``torch.export.ExportedProgram``.
        inputs: a sequence of positional or a mapping of keyword example inputs: tensors, :class:`Input` descriptions,
            or pytrees of them.  An ``ExportedProgram`` has its own, and takes those that fit it.
        dynamic_shapes: dynamic sizes, as ``torch.export.export`` takes them; or describe them with :class:`Input`.
        packs: the converter packs; by default all that are installed.
        verify_inputs: inputs that ``verify=True`` tries too, as ``inputs`` but tensors.
        settings: the fields of :class:`Settings`, such as ``precision=torch.float16`` or ``runtime="reference"``.

    Returns:
        a module with the calling convention of ``model`` and weights of its own: what is done to the model later does
        not change it.

    Raises:
        CaptureError: ``torch.export`` cannot express the model.
        UnsupportedError: calls without a converter, all listed with module path and line.
        ConversionError: a converter failed.
        BuildError: TensorRT could not build the engine.
        VerificationError: with ``verify=True``, the module computes something else than the model.
    """
    _trt.require()
    plan = explain(model, inputs, dynamic_shapes=dynamic_shapes, packs=packs, verify_inputs=verify_inputs, **settings)
    return plan.convert()


def _finish(plan: Plan) -> TRTModule:
    """The steps to the right of a plan: lower, build, and the module that runs."""
    signature, settings = plan.program.signature, plan.settings
    assert signature is not None
    plan.check()
    made: dict[str, Any]
    if plan.is_one_engine:
        (segment,) = plan.segments
        network, engine, reference = _built(plan, renamed(segment, dict(signature.tensor_names)))
        made = {"engine": engine, "reference": reference, "lowered": network}
    else:
        made = {"hybrid": _hybrid(plan)}
    return TRTModule(
        signature=signature,
        state=State(signature.state, plan.program.buffers) if signature.state else None,
        runtime=runtime_of(settings),
        cache=settings.cache,
        **made,
    )


def _built(plan: Plan, segment: Segment) -> tuple[Network, Engine | None, ReferenceRunner]:
    """A segment as a network, as an engine where one is built, and on the interpreter."""
    settings = plan.settings
    network = lower(plan, segment)
    engine = build(network, plan, engines_of(settings.cache)) if settings.build else None
    # only now: the build has given back its memory
    copied = will_interpret(settings)
    reference = ReferenceRunner(network.network, network.builder, network.constants, copy=copied)
    return network, engine, reference


def _hybrid(plan: Plan) -> Hybrid:
    """The segments of a plan, ready to run."""
    program = plan.program
    for name, value in program.inputs.items():
        if reason := why_unsupported(value.dtype):
            raise ConversionError(f"input {name!r}: {reason}")
    folded = {planned.call.name for planned in plan.calls if planned.action == "fold"}
    in_torch = [planned.call for segment in plan.segments if segment.kind != "engine" for planned in segment.calls]
    outputs = program.named_outputs
    parts = [_part(plan, segment, folded) for segment in plan.segments]
    device = device_of(program)
    constants = own_constants(in_torch, folded, program.constants, outputs.values(), device)
    return Hybrid(parts, outputs, constants, device)


def _part(plan: Plan, segment: Segment, folded: Collection[str]) -> EnginePart | TorchPart:
    if segment.kind != "engine":
        own = [planned for planned in segment.calls if planned.call.name not in folded]
        found = {planned.call.target.name: brought(plan.packs, planned.call.target) for planned in walk(own)}
        return TorchPart(
            [owning(planned.call) for planned in own],
            [ref for ref, _ in segment.outputs if ref.name not in folded],
            {name: known for name, known in found.items() if known is not None},
            [planned.to_dict() for planned in walk(own)],
            segment.kind == "inductor",
            any(may_wait(planned.call, device_of(plan.program)) for planned in own),
        )
    _, engine, reference = _built(plan, segment)
    numbers = [name for ref, name in segment.outputs if not isinstance(plan.program.example_value(ref), torch.Tensor)]
    return EnginePart(segment.inputs, segment.outputs, frozenset(numbers), engine, reference)


def _example(model: Any, inputs: Any, dynamic_shapes: Any) -> Example:
    if isinstance(model, ExportedProgram):
        return inputs_of_exported(model, inputs, dynamic_shapes)
    check_model(model)
    own = list(state_of(model).values()) if isinstance(model, torch.nn.Module) else []
    return example_inputs(model, inputs, dynamic_shapes, own[0].device if own else torch.device("cpu"), own)
