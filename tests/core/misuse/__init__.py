"""Rows of misuse: what somebody does wrong, the one error that it must give, and the words that the message must have."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch2trt
from torch2trt import Input


@dataclasses.dataclass(frozen=True)
class Row:
    """One kind of misuse.

    Args:
        name: of the test.
        call: what is done wrong; it gets a :class:`Place`.
        error: exactly this class; for a command line its exit status.
        words: what the message has among others: what, where and the cure.
    """

    name: str
    call: Callable[["Place"], Any]
    error: type[BaseException] | int
    words: tuple[str, ...]


def row(name: str, error: type[BaseException] | int, *words: str) -> Callable[[Callable[..., Any]], Row]:
    """A row of a function: what it does is what is wrong."""
    return lambda call: Row(name, call, error, words)


@functools.cache
def saved() -> torch2trt.TRTModule:
    """A converted module with a dynamic size."""
    return torch2trt.convert(Model().eval(), [Input(min=(1, 4), max=(8, 4))])


class Model(torch.nn.Module):
    """``Linear`` in a dict, with a size beside it."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, x, scale=2):
        return {"y": self.linear(x) * scale, "n": x.shape[0]}


@dataclasses.dataclass
class Place:
    """Where a row happens: a folder of its own and an environment that is put back."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def file(self) -> Path:
        """A saved module."""
        path = self.folder / "model.trt"
        if not path.exists():
            saved().save(path)
        return path

    @contextlib.contextmanager
    def environment(self, **variables: str):
        """These environment variables."""
        with self.monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            yield

    def fifo(self) -> Path:
        """A named pipe that nobody writes to."""
        os.mkfifo(self.folder / "pipe")
        return self.folder / "pipe"
