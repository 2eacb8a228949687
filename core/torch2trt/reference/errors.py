"""The errors of the reference interpreter."""

from __future__ import annotations

from ..errors import Torch2TRTError


class InterpreterError(Torch2TRTError):
    """A network, an input or a value that the reference interpreter cannot evaluate."""


class UnsupportedLayerError(InterpreterError, NotImplementedError):
    """A layer (or a setting of it) that the reference interpreter does not implement."""
