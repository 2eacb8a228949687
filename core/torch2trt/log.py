"""TensorRT's log: to Python's logging, and to whoever records errors just now."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import threading
from collections.abc import Iterator

from ._trt import trt

_log = logging.getLogger("torch2trt.tensorrt")
_recording = threading.local()
#: said by every builder on a machine without a GPU, where building for other machines is wanted
_WITHOUT_GPU = (
    "CUDA initialization failure",
    "Unable to determine GPU memory usage",
    "CUDA lazy loading",
    "CUDA driver version is insufficient",
)


@contextlib.contextmanager
def record_errors() -> Iterator[list[str]]:
    """The errors that TensorRT logs in this thread while the context lasts."""
    messages: list[str] = []
    before = getattr(_recording, "messages", None)
    _recording.messages = messages
    try:
        yield messages
    finally:
        _recording.messages = before


def format_messages(messages: list[str]) -> str:
    """What TensorRT said, as the end of an error's text."""
    return "\n  " + "\n  ".join(messages or ["it gave no reason"])


@contextlib.contextmanager
def verbose(on: bool) -> Iterator[None]:
    """Write all that TensorRT logs to stderr while the context lasts, where ``on``."""
    if not on:
        yield
        return
    handler, level = logging.StreamHandler(sys.stderr), _log.level
    _log.addHandler(handler)
    _log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _log.setLevel(level)


@functools.cache
def logger() -> trt.ILogger:
    """The process's TensorRT logger; TensorRT itself keeps only one."""

    class Logger(trt.ILogger):
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
            if any(text in msg for text in _WITHOUT_GPU):
                _log.debug(msg)
                return
            messages = getattr(_recording, "messages", None)
            if int(severity) <= int(trt.ILogger.Severity.ERROR):
                if messages is not None:
                    messages.append(msg.strip())
                else:
                    _log.error(msg)
            elif severity == trt.ILogger.Severity.WARNING:
                _log.info(msg)  # TensorRT's warnings are advice on tuning
            else:
                _log.debug(msg)

    return Logger()
