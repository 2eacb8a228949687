"""Capturing: ``torch.export``, PyTorch's decompositions, and the program that comes out."""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from typing import Any, Final

import torch
from torch._dynamo.exc import UserError
from torch.export import ExportedProgram

from ..errors import CaptureError, Torch2TRTError
from ..packs.loading import Packs
from ..program.call import state_of
from ..program.program import Program
from ..settings import Settings
from .backports import backports
from .boundary import carry, tell
from .buffers import assigned_in_place
from .complex_edge import cross
from .convention import signature_of
from .decompose import decompose
from .dims import without_names
from .every_size import every_size, has_lost_sizes
from .faults import failed_assertion, fault_inside
from .given import without_stars
from .inputs import Example
from .intercept import Interception
from .layouts import contiguous, layouts_of
from .leftovers import leaving_nothing
from .read import Reader
from .replaced import replacing
from .rules import rules_of
from .seed import add_seed
from .sources import place_of, recording, users_stack
from .transform import transform
from .values import unknown_offsets, with_values
from .wrappers import Around, Casting, Function, Mixed, original_path, output_dtypes

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
    rules, in_place = rules_of(packs), assigned_in_place(model, settings.precision is not None)
    with _lock, in_place, unknown_offsets(), backports(), contextlib.ExitStack() as stack:
        stack.enter_context(every_size())
        interception = Interception(packs, fallback=settings.fallback, mixed=settings.low_precision is not None)
        with replacing({torch.Tensor.contiguous: contiguous, **rules}):
            module = _module(model, example, settings, interception)
            exported = model if module is None else _exported(model, module, example, interception)
            if module is not None and has_lost_sizes(exported):
                stack.close()
                exported = _exported(model, module, example, interception)
        layouts = layouts_of(exported)
        exported = leaving_nothing(model, lambda: decompose(exported, rules, packs, interception))
        add_seed(exported, interception)
        returned = carry(exported, settings)
        transform(exported, packs, settings)
        signature, outputs = signature_of(model, module, exported, example, returned, cross(exported), layouts)
        program = with_values(Reader.of(exported, interception).program(outputs, signature), example)
    tell(program)
    return program


def _module(model: Any, example: Example, settings: Settings, interception: Interception) -> torch.nn.Module | None:
    """The module to export; None for a model that is exported already."""
    if isinstance(model, ExportedProgram):
        if settings.precision is not None:
            raise CaptureError(
                "precision cannot be changed in an ExportedProgram; export the model in the dtype you want"
            )
        return None
    module = model if isinstance(model, torch.nn.Module) else Function(model, len(example.args))
    _check_eval(module, drops_out=settings.random == "engine")
    traced = module if settings.precision is None else _casting(model, module, example, settings, interception)
    if signature := without_stars(model, example.args, example.kwargs):
        traced = Around(module) if traced is model else traced
        traced.forward.__signature__ = signature  # type: ignore[attr-defined]  # a function, which may have it
    return traced


def _casting(
    model: Any, module: torch.nn.Module, example: Example, settings: Settings, interception: Interception
) -> torch.nn.Module:
    try:
        outside = leaving_nothing(model, lambda: output_dtypes(module, example.args, example.kwargs))
    except Torch2TRTError:
        raise
    except Exception as error:
        raise CaptureError(_explain(error) + users_stack(error)) from error
    if isinstance(settings.precision, torch.dtype):
        return Casting(module, settings.precision, outside)
    assert settings.low_precision is not None
    return Mixed(module, settings.low_precision, outside, interception.functions)


def _exported(model: Any, module: torch.nn.Module, example: Example, interception: Interception) -> ExportedProgram:
    unnamed = without_names(example.dynamic_shapes)

    def export(dynamic_shapes: Any) -> ExportedProgram:
        return leaving_nothing(model, lambda: _export(module, example, dynamic_shapes, interception))

    try:
        try:
            return export(example.dynamic_shapes)
        except UserError:
            # a named size that the model does not allow everywhere; unnamed, PyTorch says where it does
            if unnamed == example.dynamic_shapes:
                raise
            return export(unnamed)
    except Torch2TRTError:
        raise
    except Exception as error:
        raise CaptureError(_explain(error) + users_stack(error)) from error


def _export(
    module: torch.nn.Module, example: Example, dynamic_shapes: Any, interception: Interception
) -> ExportedProgram:
    had = state_of(module).keys()
    try:
        with interception.of(module), recording(), torch.no_grad(), warnings.catch_warnings():
            # torch.nn's recurrent layers keep their parameters in a list too, which export puts its own into
            warnings.filterwarnings("ignore", r"The tensor attributes? .*\b_flat_weights\[", UserWarning)
            return torch.export.export(
                module, example.args, example.kwargs, dynamic_shapes=dynamic_shapes, strict=False
            )
    finally:
        if made := [original_path(name) for name in state_of(module) if name not in had]:
            # torch.export would write it to an input
            raise CaptureError(
                f"the model makes its buffer {', '.join(map(repr, made))} when it is called first; "
                "call the model once before you convert it"
            )


def _check_eval(module: torch.nn.Module, drops_out: bool) -> None:
    behaves_differently: tuple[type, ...] = (torch.nn.modules.batchnorm._BatchNorm,)
    if not drops_out:
        behaves_differently += (torch.nn.modules.dropout._DropoutNd,)
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
    kind, place = type(error).__name__, place_of(error)
    if kind.startswith("GuardOnDataDependent") or "data-dependent" in text:
        cause = re.search(r"^Caused by: .*$", text, re.MULTILINE)
        return (
            f"the model's Python control flow depends on the values of a tensor{place}: {text.splitlines()[0]} "
            "Compute both ways and choose with torch.where, or state what always holds with torch._check"
            + (f"\n{cause[0]}" if cause else "")
        )
    if unknown := re.search(r"Found <class '([\w.]+)'> in output|unhashable type: '(\w+)'", text):
        return (
            f"the model returns a {unknown[1] or unknown[2]}, in which PyTorch sees no tensors; register the class "
            "first, with torch.utils._pytree.register_dataclass or register_pytree_node and serialized_type_name=..., "
            "or return its tensors"
        )
    if "torch._C.Generator" in text:  # where PyTorch traces generators, a converter says so
        return (
            f"the model draws random numbers by a generator{place}: an engine has no torch.Generator; leave generator= "
            "out, and set the converted module's state.random_seed"
        )
    if fault := fault_inside(text) or failed_assertion(error):
        return fault
    if inside := _inside(text):
        return f"PyTorch cannot trace a function that torch.cond or a loop runs{place}: {inside}"
    if "Constraints violated" in text or "specialized" in text:
        return f"a size that you gave as dynamic is fixed by the model. {text}"
    return f"torch.export cannot express the model{place}: {kind}: {text}"


def _inside(text: str) -> str:
    """What Dynamo says of a function that an operator runs, without its frames and its advice; empty if nothing."""
    if "Higher Order Operator:" not in text and "making fake tensor call" not in text:
        return ""
    text = text.split("\nfrom user code")[0].split("\n\n  Developer debug context")[0]
    if cause := re.search(r"got \w+\([\"'](.*?)[\"']\)", text, re.DOTALL):
        return " ".join(cause[1].split())
    lines = [re.sub(r"^Explanation: |^Hint: (?=Replace)| Found in <.*", "", line.strip()) for line in text.splitlines()]
    left_out = ("Hint:", "Higher Order Operator:", "This higher order operator")
    return ". ".join(line.rstrip(".:") for line in lines if line and not line.startswith(left_out))
