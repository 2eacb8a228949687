"""Capturing: ``torch.export``, PyTorch's decompositions, and the program that comes out."""

from __future__ import annotations

import re
import threading
import warnings
from typing import Any, Final

import torch
from torch.export import ExportedProgram

from ..errors import CaptureError
from ..packs.loading import Packs
from ..program.program import Program
from ..settings import Settings
from .convention import signature_of
from .decompose import decompose
from .inputs import Example
from .intercept import Interception
from .read import Reader, short_source
from .wrappers import Casting, Function

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
    with _lock:
        interception = Interception(packs)
        exported = decompose(_exported(model, example, interception, settings), packs, interception)
        packs.hook.torch2trt_transform_graph(graph_module=exported.graph_module, settings=settings)
        signature, outputs = signature_of(model, exported, example)
        return Reader.of(exported, interception).program(outputs, signature)


def _exported(model: Any, example: Example, interception: Interception, settings: Settings) -> ExportedProgram:
    if isinstance(model, ExportedProgram):
        if settings.precision is not None:
            raise CaptureError(
                "precision cannot be changed in an ExportedProgram; export the model in the dtype you want"
            )
        return model
    module = model if isinstance(model, torch.nn.Module) else Function(model, len(example.args))
    if module.training and any(module.children()):
        _check_eval(module)
    precision = settings.precision
    try:
        with interception.of(module), torch.no_grad(), warnings.catch_warnings():
            # torch.nn's recurrent layers keep their parameters in a list too, which export puts its own into
            warnings.filterwarnings("ignore", r"The tensor attributes? .*\b_flat_weights\[", UserWarning)
            traced = module if precision is None else Casting(module, precision, example.args, example.kwargs)
            return torch.export.export(
                traced, example.args, example.kwargs, dynamic_shapes=example.dynamic_shapes, strict=False
            )
    except CaptureError:
        raise
    except Exception as error:
        raise CaptureError(_explain(error)) from error


def _check_eval(module: torch.nn.Module) -> None:
    behaves_differently = (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)
    training = [
        name for name, child in module.named_modules() if isinstance(child, behaves_differently) and child.training
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
    if "Constraints violated" in text or "specialized" in text:
        return f"a size that you gave as dynamic is fixed by the model. {text}"
    return f"torch.export cannot express the model: {kind}: {text}"
