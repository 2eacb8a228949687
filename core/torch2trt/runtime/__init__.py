"""Running converted modules; imports neither the capture nor any converter."""

from .module import TRTModule
from .store import load

__all__ = ["TRTModule", "load"]
