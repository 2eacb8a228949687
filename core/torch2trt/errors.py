"""Every error and warning of torch2trt.  All messages say what, where and the cure."""

from __future__ import annotations

import difflib
import os
import sys
import warnings
from collections.abc import Iterable
from typing import Final

_PACKAGE: Final = os.path.dirname(__file__) + os.sep


class Torch2TRTError(Exception):
    """Base class of the errors that torch2trt raises on purpose."""


class TensorRTNotFoundError(Torch2TRTError, ImportError):
    """TensorRT is needed for this step and is not installed."""


class TargetError(Torch2TRTError, ValueError):
    """A converter's target does not resolve to a PyTorch operator, a function or a module's ``forward``."""


class PackError(Torch2TRTError):
    """A converter pack cannot be loaded, or registers something that cannot work."""


class RejectsError(PackError, TypeError):
    """A converter's ``rejects`` returned something else than a reason or None."""


class InputError(Torch2TRTError, ValueError):
    """Example inputs, or the inputs of a call of a converted module, that do not fit."""


class CaptureError(Torch2TRTError):
    """``torch.export`` cannot express the model as one graph."""


class ConversionError(Torch2TRTError):
    """A converter failed or returned something that PyTorch would not."""


class UnsupportedError(ConversionError):
    """Calls of the model that no converter takes; all of them are listed at once."""


class BuildError(Torch2TRTError):
    """TensorRT could not build the engine."""


class CacheError(Torch2TRTError, ValueError):
    """A setting of the cache that cannot be."""


class VerificationError(Torch2TRTError):
    """A converted module computes something else than PyTorch; the first call that does is named."""


class EngineError(Torch2TRTError):
    """A saved module or an engine that cannot be loaded or run here."""


class AutotuneWarning(UserWarning):
    """What ``autotune=True`` chose instead of the engine, or why it did not compare."""


class CacheWarning(UserWarning):
    """What was built or compiled cannot be kept on disk; said once a process for each folder and reason."""


class ClassicWarning(UserWarning):
    """The classic API was given something that has no meaning in TensorRT any more, and the conversion goes on."""


class ConverterConflictWarning(UserWarning):
    """Two packs of the same rank claim the same target."""


class FallbackWarning(UserWarning):
    """PyTorch runs all of a module that ``fallback=True`` was given for, or all of a graph of ``torch.compile``."""


class Float64Warning(UserWarning):
    """Parts of a model that are float64 are computed in float32: TensorRT has no float64.

    Said once a conversion, with the lines of the calls.  What they compute has 24 bits of mantissa rather than 53,
    numbers beyond 3.4e38 are infinite, also those of a mask such as ``torch.finfo(torch.float64).min``, and numbers
    below 1e-45 are 0.  Casts alone, such as of a float64 input that the model itself makes float32, are not told: they
    lose nothing.  ``float64="refuse"`` refuses these calls instead.
    """


class NarrowedRangeWarning(UserWarning):
    """A converted module takes fewer sizes than were asked for, because the model decides by them."""


class PrecisionWarning(UserWarning):
    """A model's weights do not fit the ``precision`` that was asked for."""


class RandomNumbersWarning(UserWarning):
    """A converted module draws random numbers, which are not those that PyTorch would draw."""


class ReferenceRuntimeWarning(UserWarning):
    """A converted module runs on another runtime than an engine; said once a process."""


class VerificationWarning(UserWarning):
    """What holding a converted module against PyTorch brought up, and was lived with or mended."""


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line outside of this package that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """``; did you mean 'precision'?`` for the end of a message, or nothing where no known name is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {close[0]!r}?" if close else ""
