"""Evaluate a real ``INetworkDefinition`` with torch, layer by layer, with TensorRT's semantics."""

from .errors import InterpreterError, UnsupportedLayerError
from .interpreter import Interpreter, interpret

__all__ = ["Interpreter", "InterpreterError", "UnsupportedLayerError", "interpret"]
