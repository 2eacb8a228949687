"""The user's own lines: in the stacks that PyTorch records beside a graph, and in those of its errors."""

from __future__ import annotations

import contextlib
import os
import re
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch.fx import proxy

_OURS: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep
#: where a capture begins; what stands above it in a stack only asks for one
_CAPTURE: Final = os.path.join(os.path.dirname(__file__), "export.py")
_PYTHON: Final = sysconfig.get_path("stdlib") + os.sep
#: code below these folders, and what a graph module runs, is none of the user's
_NOT_USERS: Final = (torch.__path__[0] + os.sep, _OURS, "torch/", "<eval_with_key>", "<string>", "<frozen")
#: which of the frames PyTorch records beside a node: by its own rule those of functions named ``forward``
_FILTER: Final = "_filter_traceback_frames"
#: how many lines of the model an error shows
_SHOWN: Final = 8


def is_users(file: str) -> bool:
    """Whether a file is none of PyTorch's, Python's or ours."""
    return not file.startswith(_NOT_USERS) and (not file.startswith(_PYTHON) or "site-packages" in file)


def short_source(file: str, line: str | int | None) -> str:
    """``model.py:41``."""
    return f"{file.rpartition('/')[2]}:{line}"


def place_of(error: BaseException) -> str:
    """`` at model.py:41``, the line of the model that an error comes from; nothing where it comes from elsewhere.

    Once a graph stands it is that of the node that PyTorch had at hand.
    """
    users = _users(traceback.extract_tb(error.__traceback__))
    source = short_source(users[-1].filename, users[-1].lineno) if users else _source_at_hand(error)
    return f" at {source}" if source else ""


def _source_at_hand(error: BaseException) -> str:
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        nodes = (value for value in frame.f_locals.values() if isinstance(value, torch.fx.Node))
        if source := next(filter(None, map(source_of, nodes)), ""):
            return source
    return ""


def users_stack(error: BaseException) -> str:
    """The lines of the model that led to an error, one a line, for the end of its message."""
    users = _users(traceback.extract_tb(error.__traceback__))[-_SHOWN:]
    lines = [f"\n  {short_source(frame.filename, frame.lineno)} in {frame.name}: {frame.line}" for frame in users]
    return "".join(["\nThe model's lines, the innermost last:", *lines]) if users else ""


def source_of(node: torch.fx.Node) -> str:
    """Where the user's code makes a call; empty where it is not known."""
    return source_in(re.findall(r'File "([^"]+)", line (\d+)', node.meta.get("stack_trace") or ""))


def source_in(frames: Sequence[tuple[str, str]]) -> str:
    """The last frame, ``(file, line)``, that is in the user's code."""
    users = [(file, line) for file, line in frames if is_users(file)]
    return short_source(*users[-1]) if users else ""


@contextlib.contextmanager
def recording() -> Iterator[None]:
    """Let PyTorch note the model's own lines beside each node, whatever the functions are called.

    By its own rule it notes functions named ``forward`` alone: none for a plain function, and the wrong line of a
    module that does its work in other methods.
    """
    original = getattr(proxy.TracerBase, _FILTER, None)
    if original is None:
        yield
        return

    def choose(tracer: Any, summary: traceback.StackSummary) -> traceback.StackSummary:
        users = _users(summary)
        return traceback.StackSummary.from_list(users) if users else original(tracer, summary)

    setattr(proxy.TracerBase, _FILTER, choose)
    try:
        yield
    finally:
        setattr(proxy.TracerBase, _FILTER, original)


def _users(summary: Sequence[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """The model's frames, the last of them in its own file and not in a library that it calls."""
    starts = [index for index, frame in enumerate(summary) if frame.filename == _CAPTURE]
    users = [frame for frame in summary[starts[-1] :] if is_users(frame.filename)] if starts else []
    forwards = [index for index, frame in enumerate(users) if frame.name == "forward"]
    model = users[forwards[-1] if forwards else 0].filename if users else ""
    return users[: max((index + 1 for index, frame in enumerate(users) if frame.filename == model), default=0)]
