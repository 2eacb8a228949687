"""Capture: from a model and example inputs to a :class:`Program`."""

from .program import Program
from .trace import capture

__all__ = ["Program", "capture"]
