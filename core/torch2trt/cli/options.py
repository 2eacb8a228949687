"""The options of a conversion that several commands take: fields of ``Settings`` as a terminal writes them."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from ..cache.place import parse_size
from ..errors import CacheError
from . import descriptions, sources

Model = Annotated[str, typer.Argument(help=sources.HELP, show_default=False)]
Inputs = Annotated[list[str] | None, typer.Option("--input", help=descriptions.HELP)]
Pretrained = Annotated[bool, typer.Option("--pretrained", help="take a library's trained weights, not random ones")]


class Precision(str, enum.Enum):
    """What ``--precision`` takes."""

    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"
    mixed = "mixed"
    mixed_bfloat16 = "mixed-bfloat16"


class Random(str, enum.Enum):
    """What ``--random`` takes."""

    engine = "engine"
    refuse = "refuse"


def _named(*flags: str, help: str) -> Any:
    return Annotated[list[str] | None, typer.Option(*flags, help=f"{help}; may be given several times")]


class _Option(NamedTuple):
    """A setting on the command line."""

    annotation: Any
    default: Any = None
    #: makes the setting of what was written
    value: Callable[[Any], Any] = lambda given: given


def _precision(chosen: Precision) -> Any:
    import torch

    return getattr(torch, chosen.value, chosen.value)


#: what decides the plan
PLANNING: Final = {
    "precision": _Option(
        Annotated[Precision | None, typer.Option(help="what the network computes in")], None, _precision
    ),
    "keep_fp32": _Option(_named("--keep-fp32", help="a module's path or class, or a target, that stays in float32")),
    "fallback": _Option(
        Annotated[bool, typer.Option("--fallback", help="let PyTorch run what no converter takes")], False
    ),
    "run_in_torch": _Option(
        _named("--run-in-torch", help="with --fallback, a module's path or class, or a target, that PyTorch runs")
    ),
    "min_segment": _Option(
        Annotated[int | None, typer.Option(help="with --fallback, the fewest calls that an engine is built for")]
    ),
    "random": _Option(
        Annotated[Random | None, typer.Option(help="what becomes of calls that draw random numbers")],
        None,
        lambda chosen: chosen.value,
    ),
}
#: what decides the engine
BUILDING: Final = {
    "verify": _Option(Annotated[bool, typer.Option("--verify", help="hold the module against PyTorch first")], False),
    "autotune": _Option(
        Annotated[bool, typer.Option("--autotune", help="keep PyTorch's kernels where they are faster on this GPU")],
        False,
    ),
    "workspace": _Option(
        Annotated[str | None, typer.Option(help="scratch memory that TensorRT may use, such as 2G")],
        None,
        lambda text: parse_size(text, "--workspace"),
    ),
    "optimization_level": _Option(
        Annotated[int | None, typer.Option(help="0 builds fast, 5 gives the fastest engine")]
    ),
    "compute_capabilities": _Option(
        _named("--compute-capability", help="a GPU that an engine of TensorRT for RTX is for, such as 8.6"),
    ),
    "verbose": _Option(Annotated[bool, typer.Option("--verbose", help="show all that TensorRT logs")], False),
    "cache": _Option(
        Annotated[bool, typer.Option(help="keep the engine for the next conversion, and take one that is kept")], True
    ),
    "cache_folder": _Option(Annotated[Path | None, typer.Option(help="where engines are kept", file_okay=False)]),
}


def takes(*groups: Mapping[str, _Option]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of groups; it receives the settings that were given as ``settings``."""
    options = {name: option for group in groups for name, option in group.items()}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.annotation)
            for name, one in options.items()
        ]

        @functools.wraps(command)
        def with_settings(**given: Any) -> None:
            written = {name: given.pop(name) for name in options}
            command(**given, settings=_settings(options, written))

        shown = [parameter for name, parameter in own.parameters.items() if name != "settings"]
        # typer reads the annotations too
        with_settings.__annotations__ = {one.name: one.annotation for one in (*shown, *added)}
        with_settings.__signature__ = inspect.Signature([*_by_keyword(shown), *added])  # type: ignore[attr-defined]  # functions may have it
        return with_settings

    return decorate


def _by_keyword(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]


def _settings(options: Mapping[str, _Option], written: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, checked; what was not written is left to the defaults."""
    from ..settings import Settings

    try:
        settings = {
            name: options[name].value(value) for name, value in written.items() if value != options[name].default
        }
        folder = settings.pop("cache_folder", None)
        if folder is not None and settings.get("cache") is False:
            raise ValueError("--no-cache keeps nothing, and --cache-folder says where; give one of them")
        if folder is not None:
            settings["cache"] = folder
        Settings(**settings)
    except (ValueError, CacheError) as error:
        raise typer.BadParameter(str(error)) from None
    return settings
