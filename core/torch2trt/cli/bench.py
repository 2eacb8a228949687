"""``torch2trt bench``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.filesize import decimal
from rich.markup import escape

from ..report.text import table
from . import sources
from .common import AsJSON, Saved, errors_in_words, note, out, print_json
from .measure import Times, timed
from .options import Pretrained
from .phases import Phases, remembered
from .sources import load_model
from .tensors import Given, arguments, load_here

#: makes a candidate's call
Prepare: TypeAlias = Callable[[], Callable[[], Any]]


def bench(
    path: Saved,
    model: Annotated[str | None, typer.Option(help=f"time this model beside it: {sources.HELP}")] = None,
    inputs: Given = None,
    pretrained: Pretrained = False,
    calls: Annotated[int, typer.Option(help="how many calls are timed of each", min=1)] = 200,
    as_json: AsJSON = False,
) -> None:
    """Time a converted module, by itself or beside its model in eager PyTorch and under torch.compile."""
    with errors_in_words():
        import torch

        from ..errors import EngineError

        with remembered("bench", (path, model, inputs, pretrained, calls), shown=not as_json) as phase:
            runtime, times, failed = _timed(path, model, inputs, pretrained, calls, phase)
        if "torch2trt" in failed:
            raise EngineError(f"the module cannot be timed: {failed['torch2trt']}")
    if as_json:
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
        rows = {name: one.to_dict() for name, one in times.items()}
        print_json({"device": device, "runtime": runtime, "timed": rows, "failed": failed})
    else:
        _print(times, failed)


def _timed(
    path: Path, model: str | None, inputs: Sequence[Path] | None, pretrained: bool, calls: int, phase: Phases
) -> tuple[str, dict[str, Times], dict[str, str]]:
    """What runs the module, the times of all candidates, and why some have none."""
    import torch

    with phase(f"loading {path}"):
        given = load_here(path)
        args, kwargs = arguments(given, inputs)
    prepare: dict[str, Prepare] = {"torch2trt": lambda: _call(load_here(path), args, kwargs)}
    if given.state is not None:
        note("it writes buffers: each call begins with those that it had at first, which takes part in its time")
    if model is not None:
        own = load_model(model, pretrained, phase).model
        prepare["eager"] = lambda: _call(_on_device(own), args, kwargs)
        prepare["inductor"] = lambda: _call(torch.compile(_on_device(own)), args, kwargs)
    runtime = given.runtime
    del given  # its memory counts where the candidate takes it again
    times, failed = timed(prepare, calls, phase)
    return runtime, times, failed


def _call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[], Any]:
    from ..runtime.module import TRTModule

    def call() -> Any:
        if resets:  # a cache that is written again and again would be full at some call
            function.reset()
        return function(*args, **kwargs)

    resets = isinstance(function, TRTModule) and function.state is not None
    return call


def _on_device(model: Any) -> Any:
    import torch

    module = model.module() if isinstance(model, torch.export.ExportedProgram) else model
    can_move = isinstance(module, torch.nn.Module) and torch.cuda.is_available()
    return module.cuda() if can_move else module


def _print(times: Mapping[str, Times], failed: Mapping[str, str]) -> None:
    shown = table("", "median", "fastest", "95% within", "slowest", "calls/s", "GPU memory", "speed")
    ours = times["torch2trt"].at(0.5)
    for name, one in times.items():
        row = one.to_dict()["latency_ms"]
        latency = [f"{row[key]:.3f} ms" for key in ("median", "fastest", "p95", "slowest")]
        memory = "" if one.memory is None else decimal(one.memory)
        speed = "" if name == "torch2trt" else f"torch2trt is {one.at(0.5) / ours:.2f} times as fast"
        shown.add_row(name, *latency, f"{one.per_second:.0f}", memory, speed)
    out.print(shown)
    for name, why in failed.items():
        out.print(f"{name}: not timed: {escape(why)}")
