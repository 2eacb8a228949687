"""Watching a build: bars on a terminal, else a line now and then, and Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from .._trt import trt
from ..settings import Settings

_log = logging.getLogger("torch2trt")
#: seconds between the lines of a long build
_EVERY: Final = 30.0
#: the phases that a build is in: how many of how many steps are done
Phases = dict[str, tuple[int, int]]


@contextlib.contextmanager
def watched(config: trt.IBuilderConfig, settings: Settings) -> Iterator[None]:
    """Show how a build goes while the context lasts, and let Ctrl-C end it at TensorRT's next step."""
    phases: Phases = {}
    with contextlib.ExitStack() as stack:
        interrupted = stack.enter_context(_interruptible())
        if _has_bars(settings):
            stack.enter_context(_bars(phases))
        elif settings.progress is None:
            stack.enter_context(_lines(phases))
        config.progress_monitor = _monitor(phases, interrupted, config.progress_monitor)
        yield


@contextlib.contextmanager
def counted(doing: str, steps: int, settings: Settings) -> Iterator[Callable[[], None]]:
    """Show a bar of so many steps while the context lasts; gives what to call when one is done."""
    phases: Phases = {doing: (0, steps)}

    def done() -> None:
        phases[doing] = (phases[doing][0] + 1, steps)

    with _bars(phases) if _has_bars(settings) else contextlib.nullcontext():
        yield done


def _has_bars(settings: Settings) -> bool:
    return sys.stderr.isatty() if settings.progress is None else settings.progress


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Note Ctrl-C while the context lasts, and raise it at the end.

    A signal handler of Python runs between lines of Python, which during a build are those of TensorRT's callbacks, and
    these swallow what it raises.
    """
    asked = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield asked  # not ours to change
        return
    signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if asked.is_set():
            raise KeyboardInterrupt


def _monitor(phases: Phases, interrupted: threading.Event, other: Any) -> Any:
    """Notes the phases and cancels where Ctrl-C was pressed; ``other`` is what a pack's hook may have set."""

    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases[phase_name] = (0, num_steps)
            if other is not None:
                other.phase_start(phase_name, parent_phase, num_steps)

        def phase_finish(self, phase_name: str) -> None:
            phases.pop(phase_name, None)
            if other is not None:
                other.phase_finish(phase_name)

        def step_complete(self, phase_name: str, step: int) -> bool:
            phases[phase_name] = (step + 1, phases[phase_name][1])
            going_on = other is None or other.step_complete(phase_name, step)
            return going_on and not interrupted.is_set()  # False cancels the build

    return Monitor()


@contextlib.contextmanager
def _bars(phases: Phases) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    # transient: a build that ends at once leaves nothing on the screen
    with Progress(transient=True, console=Console(stderr=True)) as bars:

        def show() -> None:
            now = dict(phases)
            for name in tasks.keys() - now.keys():
                bars.remove_task(tasks.pop(name))
            for name, (step, total) in now.items():
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=total)
                bars.update(tasks[name], completed=step)

        with _repeating(show, every=0.1):
            yield


@contextlib.contextmanager
def _lines(phases: Phases) -> Iterator[None]:
    began = time.monotonic()

    def show() -> None:
        at = "; ".join(f"{name} {step}/{total}" for name, (step, total) in dict(phases).items())
        _log.warning("TensorRT has been building for %d s: %s", time.monotonic() - began, at or "getting ready")

    with _repeating(show, every=_EVERY):
        yield


@contextlib.contextmanager
def _repeating(show: Callable[[], None], every: float) -> Iterator[None]:
    """Call ``show`` again and again in a thread; TensorRT leaves Python's threads running while it builds."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(every):
            show()

    thread = threading.Thread(target=repeat, name="torch2trt-build", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
