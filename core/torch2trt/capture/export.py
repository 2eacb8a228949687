"""Capturing: ``torch.export``, PyTorch's decompositions, and the program that comes out."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Collection
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from ..errors import CaptureError
from ..packs.loading import Packs
from ..program.call import state_of
from ..program.program import Program
from ..settings import Settings
from .convention import signature_of
from .decompose import decompose
from .given import without_stars
from .inputs import Example
from .intercept import Interception
from .leftovers import leaving_nothing
from .read import Reader, short_source
from .wrappers import Around, Casting, Function

#: torch.export keeps what it traces in globals of its own: one capture at a time in a process
_lock: Final = threading.RLock()


def capture(model: Any, example: Example, packs: Packs, settings: Settings) -> Program:
    """The program of ``model`` for inputs like ``example``.

    Args:
        model: a module, a callable, or an ``ExportedProgram``.
        example: the example inputs.
        packs: their claimed calls stay whole, their hooks may change the decompositions and the graph.
        settings: ``precision`` decides the dtypes.

    Raises:
        CaptureError: ``torch.export`` cannot express the model; the message says what to do.
    """

    def program() -> Program:
        interception = Interception(packs)
        exported = decompose(_exported(model, example, interception, settings), packs, interception)
        packs.hook.torch2trt_transform_graph(graph_module=exported.graph_module, settings=settings)
        signature, outputs = signature_of(model, exported, example)
        return Reader.of(exported, interception).program(outputs, signature)

    with _lock:
        return program() if isinstance(model, ExportedProgram) else leaving_nothing(model, program)


def _exported(model: Any, example: Example, interception: Interception, settings: Settings) -> ExportedProgram:
    if isinstance(model, ExportedProgram):
        if settings.precision is not None:
            raise CaptureError(
                "precision cannot be changed in an ExportedProgram; export the model in the dtype you want"
            )
        return model
    module = model if isinstance(model, torch.nn.Module) else Function(model, len(example.args))
    _check_eval(module)
    traced, dynamic_shapes = _to_trace(model, module, example, settings)
    had = state_of(module).keys()
    try:
        with interception.of(module), torch.no_grad(), warnings.catch_warnings():
            # torch.nn's recurrent layers keep their parameters in a list too, which export puts its own into
            warnings.filterwarnings("ignore", r"The tensor attributes? .*\b_flat_weights\[", UserWarning)
            exported = torch.export.export(
                traced, example.args, example.kwargs, dynamic_shapes=dynamic_shapes, strict=False
            )
    except CaptureError:
        raise
    except Exception as error:
        _check_state(module, had)
        raise CaptureError(_explain(error)) from error
    _check_state(module, had)
    return exported


def _to_trace(model: Any, module: torch.nn.Module, example: Example, settings: Settings) -> tuple[torch.nn.Module, Any]:
    """What is traced, and its dynamic shapes."""
    traced = module if settings.precision is None else Casting(module, settings.precision)
    signature, shapes = without_stars(model, example.args, example.kwargs, example.dynamic_shapes)
    if signature is not None:
        traced = Around(module) if traced is model else traced
        traced.forward.__signature__ = signature  # type: ignore[attr-defined]  # a function, which may have it
    return traced, shapes


def _check_state(module: torch.nn.Module, had: Collection[str]) -> None:
    """That no buffer was made while the model was traced: torch.export takes it for something else."""
    if made := [name for name in state_of(module) if name not in had]:
        raise CaptureError(
            f"the model makes its buffer {', '.join(map(repr, made))} when it is called first; "
            "call the model once before you convert it"
        )


def _check_eval(module: torch.nn.Module) -> None:
    behaves_differently = (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)
    training = [
        name or type(child).__name__
        for name, child in module.named_modules()
        if child.training
        and (
            isinstance(child, behaves_differently)
            or (isinstance(child, torch.nn.modules.instancenorm._InstanceNorm) and child.track_running_stats)
        )
    ]
    if training:
        raise CaptureError(
            f"the model is in training mode ({', '.join(training[:5])}{', …' if len(training) > 5 else ''} "
            "behave differently there); call model.eval() before converting it"
        )


def _explain(error: Exception) -> str:
    text = str(error).split("\nThe error above occurred when")[0].strip()
    where = re.findall(r'File "([^"]+)", line (\d+), in (\w+)', text)
    kind = type(error).__name__
    if kind.startswith("GuardOnDataDependent") or "data-dependent" in text:
        place = f" at {short_source(*where[-1][:2])}" if where else ""
        return (
            f"the model's Python control flow depends on the values of a tensor{place}: {text.splitlines()[0]} "
            "Compute both ways and choose with torch.where, or state what always holds with torch._check"
        )
    if unknown := re.search(r"Found <class '([\w.]+)'> in output", text):
        return (
            f"the model returns a {unknown[1]}, in which PyTorch sees no tensors; register the class first, with "
            "torch.utils._pytree.register_dataclass or register_pytree_node and serialized_type_name=..., or return "
            "its tensors"
        )
    if "Constraints violated" in text or "specialized" in text:
        return f"a size that you gave as dynamic is fixed by the model. {text}"
    return f"torch.export cannot express the model: {kind}: {text}"
