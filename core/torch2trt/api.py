"""The public functions: ``convert`` and ``explain``."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from . import _trt
from .build import build
from .capture import capture
from .inputs import example
from .lower import Network, lower
from .packs import Packs
from .plan import Plan, plan
from .runtime import TRTModule
from .settings import Settings
from .user import current_packs


def explain(
    model: Any,
    inputs: Any,
    *,
    dynamic_shapes: Any = None,
    packs: Packs | None = None,
    **settings: Any,
) -> Plan:
    """The dry run of :func:`convert`: which pack's converter takes every call of the model, or why none does.

    Needs neither TensorRT nor a GPU.  Takes the arguments of :func:`convert`.

    Returns:
        a plan, which prints as a table and dumps with ``to_json()``.
    """
    return _plan(model, inputs, dynamic_shapes, packs, Settings(**settings))


def convert(
    model: Any,
    inputs: Any,
    *,
    dynamic_shapes: Any = None,
    packs: Packs | None = None,
    **settings: Any,
) -> TRTModule:
    """Convert a model to a module that runs a TensorRT engine.

    Args:
        model: a ``torch.nn.Module`` in eval mode, a callable, or a ``torch.export.ExportedProgram``.
        inputs: a sequence of positional or a mapping of keyword example inputs: tensors, :class:`Input` descriptions,
            or pytrees of them.
        dynamic_shapes: dynamic sizes, as ``torch.export.export`` takes them; or describe them with :class:`Input`.
        packs: the converter packs; by default all that are installed.
        settings: fields of :class:`Settings`, such as ``precision=torch.float16`` or ``runtime="reference"``.

    Returns:
        a module with the calling convention of ``model``.

    Raises:
        CaptureError: ``torch.export`` cannot express the model.
        UnsupportedError: calls without a converter, all listed with module path and line.
        ConversionError: a converter failed.
        BuildError: TensorRT could not build the engine.
    """
    _trt.require()
    chosen = Settings(**settings)
    return carry_out(_plan(model, inputs, dynamic_shapes, packs, chosen), chosen)


def carry_out(planned: Plan, settings: Settings) -> TRTModule:
    """Lower and build a plan: the second half of :func:`convert`."""
    network = lower(planned, settings)
    engine = build(network, planned, settings) if settings.build else None
    runtime = settings.runtime if settings.build else "reference"
    interpret = _Interpreted(network)
    return TRTModule(engine, network.signature, network=network.network, interpret=interpret, runtime=runtime)


def _plan(model: Any, inputs: Any, dynamic_shapes: Any, packs: Packs | None, settings: Settings) -> Plan:
    packs = packs or current_packs()
    shown = example(inputs, dynamic_shapes, _device(model))
    return plan(capture(model, shown, packs, settings), packs)


def _device(model: Any) -> torch.device:
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


@dataclasses.dataclass
class _Interpreted:
    """The network on the reference interpreter, prepared at the first call."""

    network: Network
    _run: Any = None

    def __call__(self, tensors: Any) -> Any:
        if self._run is None:
            from .reference import Interpreter

            self._run = Interpreter(self.network.network)
        return self._run(tensors)
