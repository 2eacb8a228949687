"""The settings of one conversion."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict, get_args

import torch

from . import _trt
from .cache.place import Cache
from .errors import did_you_mean

Runtime = Literal["auto", "engine", "reference"]
Float64 = Literal["float32", "refuse"]
Random = Literal["engine", "refuse"]
KernelSpecialization = Literal["lazy", "eager", "none"]
Mixed = Literal["mixed", "mixed-bfloat16"]
#: what names calls of a model: paths of modules, their classes or the names of these, and targets
Named = Sequence["str | type[torch.nn.Module] | Callable[..., Any]"]

_LOW: Final = {"mixed": torch.float16, "mixed-bfloat16": torch.bfloat16}
_PRECISIONS: Final = (None, torch.float32, torch.float16, torch.bfloat16, *_LOW)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a conversion does beyond the model and its inputs; plans keep it, hooks receive it.

    Raises:
        ValueError: a value that could only fail later, with those that are possible.
    """

    #: the floating-point dtype that the network computes in; None leaves every dtype as the model has it.
    #: ``"mixed"`` and ``"mixed-bfloat16"`` follow the rules of PyTorch's autocast, for float16 and bfloat16
    precision: torch.dtype | Mixed | None = None
    #: what computes in float32 with another ``precision``, by the same names as ``run_in_torch``
    keep_fp32: Named = ()
    #: what becomes of float64, which TensorRT lacks: ``"float32"`` computes it in float32, with a ``Float64Warning``;
    #: ``"refuse"`` leaves it unsupported
    float64: Float64 = "float32"
    #: ``"engine"`` needs a GPU, ``"reference"`` interprets the network, ``"auto"`` takes the engine where it can run
    runtime: Runtime = "auto"
    #: False stops after lowering: the module runs on the reference interpreter and cannot be saved
    build: bool = True
    #: bytes that TensorRT may use as scratch memory; None is TensorRT's own default
    workspace: int | None = None
    #: TensorRT's builder optimization level, 0 (fast build) to 5 (fast engine); None is TensorRT's own default
    optimization_level: int | None = None
    #: compute capabilities that an engine of TensorRT for RTX is built for, such as ``("8.6", "12.0")``
    compute_capabilities: Sequence[str] = ()
    #: whether :meth:`TRTModule.refit` gives the engine the weights of another model without building it again
    refittable: bool = False
    #: bytes of an engine's weights that may be on the GPU, where the others are streamed to it from host memory at each
    #: call; None keeps all of them there
    weight_streaming: int | None = None
    #: when TensorRT for RTX compiles kernels for a dynamic shape of its own: ``"lazy"`` in the background while general
    #: ones run, ``"eager"`` before the first call of the shape runs, ``"none"`` never; None is ``"none"``, as some of
    #: these kernels compute wrong numbers
    kernel_specialization: KernelSpecialization | None = None
    #: whether lowering and building show their progress; None shows it on a terminal only
    progress: bool | None = None
    #: whether what TensorRT itself logs while it builds is written to stderr
    verbose: bool = False
    #: whether the module is held against PyTorch before it is returned, at its smallest, usual and largest shapes
    verify: bool = False
    #: whether the engine is timed beside PyTorch's kernels and inductor's, each under a CUDA graph and held against the
    #: model first, at the usual shapes; and PyTorch runs the module where it is clearly faster
    autotune: bool = False
    #: where the model draws random numbers: ``"engine"`` lets the engine draw them, also for dropout in
    #: training mode, ``"refuse"`` makes such calls unsupported; None is ``"engine"`` with a warning, without dropout
    random: Random | None = None
    #: whether PyTorch runs the calls that no converter takes, between engines for all others; False is one engine, and
    #: an error that lists such calls
    fallback: bool = False
    #: with ``fallback=True``, the fewest converted calls for which an engine is built; fewer run in PyTorch
    min_segment: int = 3
    #: with ``fallback=True``, what else runs in PyTorch: paths of modules (``"decoder.head"``), their classes or the
    #: names of these, and targets (``"aten.gelu.default"``)
    run_in_torch: Named = ()
    #: whether engines and compiled kernels are kept on disk for the next process: True is the folder that
    #: ``TORCH2TRT_CACHE`` names or the user's own, a path another one; a mapping has engines by their keys
    cache: Cache = field(default=True, compare=False)

    def __post_init__(self) -> None:
        """Refuse values that would only fail deep inside TensorRT."""
        _one_of("precision", self.precision, _PRECISIONS)
        _one_of("float64", self.float64, get_args(Float64))
        _one_of("runtime", self.runtime, get_args(Runtime))
        _one_of("progress", self.progress, (None, True, False))
        _one_of("random", self.random, (None, *get_args(Random)))
        _one_of("kernel_specialization", self.kernel_specialization, (None, *get_args(KernelSpecialization)))
        for name in ("build", "refittable", "verbose", "verify", "autotune", "fallback"):
            _one_of(name, getattr(self, name), (True, False))
        if self.runtime == "engine" and not self.build:
            raise ValueError("runtime='engine' needs an engine; leave build=True")
        _check_cache(self.cache)
        _check_range("workspace", self.workspace, 1, None, "a number of bytes, such as 2**30")
        _check_range("optimization_level", self.optimization_level, 0, 5, "a level from 0 to 5")
        _check_range("weight_streaming", self.weight_streaming, 0, None, "a number of bytes, 0 or more")
        if self.kernel_specialization and _trt.FLAVOR == "tensorrt":
            raise ValueError(
                "kernel_specialization is for TensorRT for RTX, which compiles kernels at calls; leave it out"
            )
        _check_range("min_segment", self.min_segment, 1, None, "a number of calls, 1 or more")
        object.__setattr__(self, "run_in_torch", _named("run_in_torch", self.run_in_torch))
        object.__setattr__(self, "keep_fp32", _named("keep_fp32", self.keep_fp32))
        if self.run_in_torch and not self.fallback:
            raise ValueError("run_in_torch names calls for PyTorch to run between engines; add fallback=True")
        if self.keep_fp32 and self.precision in (None, torch.float32):
            raise ValueError("keep_fp32 names calls for float32 in a lower precision; add precision=torch.float16")
        object.__setattr__(self, "compute_capabilities", _compute_capabilities(self.compute_capabilities))

    @property
    def low_precision(self) -> torch.dtype | None:
        """What autocast's rules lower to; None where the network computes in one precision."""
        return _LOW[self.precision] if isinstance(self.precision, str) else None

    def to_dict(self) -> dict[str, Any]:
        """What makes the module, as JSON-able values: where engines are kept does not."""
        return {f.name: _jsonable(getattr(self, f.name)) for f in dataclasses.fields(self) if f.name != "cache"}


class SettingsKeywords(TypedDict, total=False):
    """The fields of :class:`Settings` as keyword arguments."""

    precision: torch.dtype | Mixed | None
    keep_fp32: Named
    float64: Float64
    runtime: Runtime
    build: bool
    workspace: int | None
    optimization_level: int | None
    compute_capabilities: Sequence[str]
    refittable: bool
    weight_streaming: int | None
    kernel_specialization: KernelSpecialization | None
    progress: bool | None
    verbose: bool
    verify: bool
    autotune: bool
    random: Random | None
    fallback: bool
    min_segment: int
    run_in_torch: Named
    cache: Cache


def _one_of(name: str, value: object, known: Sequence[object]) -> None:
    if not any(value is one or (isinstance(one, str) and value == one) for one in known):
        cure = did_you_mean(value, (one for one in known if isinstance(one, str))) if isinstance(value, str) else ""
        choices = ", ".join(str(one) if isinstance(one, torch.dtype) else repr(one) for one in known)
        raise ValueError(f"{name}={value!r} is not one of {choices}{cure}")


def _check_cache(value: Any) -> None:
    if not isinstance(value, (bool, str, os.PathLike, MutableMapping)) or value == "":
        raise ValueError(f"cache={value!r} is not True, False, a folder, or a mapping of engines by their keys")
    if isinstance(value, (str, os.PathLike)) and os.path.isfile(value):
        raise ValueError(f"cache={os.fsdecode(value)!r} is a file; name a folder")


def _check_range(name: str, value: Any, low: int, high: int | None, what: str) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        raise ValueError(f"{name}={value!r} is not {what}")


def _compute_capabilities(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise ValueError(f"compute_capabilities={given!r} is one string; give a sequence of them: ({given!r},)")
    capabilities = tuple(given)
    for capability in capabilities:
        if not isinstance(capability, str) or not re.fullmatch(r"\d+\.\d", capability):
            raise ValueError(f"compute_capabilities has {capability!r}; write each as a string, such as '8.6'")
    known = _trt.compute_capabilities()
    if known is not None and (unknown := [capability for capability in capabilities if capability not in known]):
        raise ValueError(
            f"compute_capabilities has {', '.join(map(repr, unknown))}; "
            + (f"TensorRT builds for {', '.join(known)}" if known else "only TensorRT for RTX builds for named ones")
        )
    return capabilities


def _named(setting: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ValueError(f"{setting}={given!r} is no sequence; give a list of module paths, classes and targets")
    for one in given:
        if not one or not (isinstance(one, str) or callable(one)):
            raise ValueError(f"{setting} has {one!r}, which is no module path, class or target")
    return tuple(given)


def chosen(settings: Mapping[str, Any]) -> dict[str, str]:
    """Of what :meth:`Settings.to_dict` gave, what is not the default; how a build is shown is no part of a module."""
    default = Settings().to_dict() | {name: settings.get(name) for name in ("progress", "verbose")}
    return {name: str(value) for name, value in settings.items() if value != default.get(name)}


def named(value: Any) -> str:
    """What a user calls a module's class, an operator or a function."""
    if isinstance(value, str):
        return value
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name else str(value)


def _jsonable(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(map(named, value))
    return str(value) if isinstance(value, torch.dtype) else value
