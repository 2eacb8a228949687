"""Where a command's model comes from: a saved program, a factory of the user's, or a library of models."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer

from ..errors import InputError, did_you_mean
from .common import holding, note, without_logs
from .phases import Phases

HELP: Final = (
    "a program saved with torch.export.save (.pt2), package.module:factory, timm:NAME, torchvision:NAME, or hf:NAME "
    "(a model of the hub, or a folder with its config.json)"
)


class Loaded(NamedTuple):
    """A model in eval mode, and the example inputs that came with it."""

    model: Any
    inputs: Any = None


def load_model(source: str, pretrained: bool = False, phase: Phases | None = None) -> Loaded:
    """The model that a source names.

    Args:
        source: as :data:`HELP` says.
        pretrained: whether a model of a library has its trained weights, which may have to be downloaded; otherwise
            they are random, the same ones each time.
        phase: those of the command.

    Raises:
        InputError: the library is not installed, has no such model, or the factory fails.
        BadParameter: it names nothing.
    """
    with (phase or Phases())(f"loading {source}"):
        path, (kind, _, name) = Path(source), source.partition(":")
        if path.is_dir():
            raise typer.BadParameter(f"{source} is a directory; name a file, or hf:{source} for a model in it")
        if path.is_file() or not name:
            if not os.path.exists(path):
                raise typer.BadParameter(f"file '{source}' does not exist; a model is {HELP}")
            _check_plain(pretrained)
            return Loaded(load_program(path))
        if kind in _LIBRARIES:
            return Loaded(_from_library(kind, name, pretrained))
        _check_plain(pretrained)
        return _made(kind, name)


def load_program(path: Path) -> Any:
    """The ``ExportedProgram`` of a file; :class:`InputError` where the file holds none."""
    import torch

    cure = "Write one with torch.export.save(torch.export.export(model, args), path)"
    with holding(path, "program that torch.export.load can read", cure), without_logs():
        return torch.export.load(path)


def _check_plain(pretrained: bool) -> None:
    if pretrained:
        raise typer.BadParameter("--pretrained is for timm:NAME, torchvision:NAME and hf:NAME")


def _from_torchvision(name: str, pretrained: bool) -> Any:
    import torchvision  # type: ignore[import-untyped,unused-ignore]  # it has no types

    takes = inspect.signature(torchvision.models.get_model_builder(name)).parameters
    # a detector's backbone has trained weights of its own
    names = [name for name in ("weights", "weights_backbone") if name in takes]
    return torchvision.models.get_model(name, **dict.fromkeys(names, "DEFAULT" if pretrained else None))


def _from_timm(name: str, pretrained: bool) -> Any:
    import timm  # type: ignore[import-not-found,import-untyped,unused-ignore]  # optional

    return timm.create_model(name, pretrained=pretrained)


def _from_transformers(name: str, pretrained: bool) -> Any:
    from transformers import AutoConfig, AutoModel

    if pretrained:
        return AutoModel.from_pretrained(name)
    return AutoModel.from_config(AutoConfig.from_pretrained(name))


#: of each kind the package and how it makes a model
_LIBRARIES: Final[dict[str, tuple[str, Callable[[str, bool], Any]]]] = {
    "timm": ("timm", _from_timm),
    "torchvision": ("torchvision", _from_torchvision),
    "hf": ("transformers", _from_transformers),
}


def _from_library(kind: str, name: str, pretrained: bool) -> Any:
    import torch

    package, make = _LIBRARIES[kind]
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise InputError(f"{kind}:{name} needs {package} ({error}); pip install {package}") from error
    if not pretrained:
        note(f"{kind}:{name} has random weights; --pretrained takes the trained ones")
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return make(name, pretrained).eval()
    except Exception as error:  # whatever a library raises
        raise InputError(f"{package} cannot make {name!r}: {type(error).__name__}: {error}") from error


def _made(module: str, name: str) -> Loaded:
    """What a factory makes: a model, or a model and its example inputs; a module by itself stands for itself."""
    import torch

    factory = _imported(module, name)
    if isinstance(factory, torch.nn.Module):
        return Loaded(factory)
    if not callable(factory):
        raise InputError(f"{module}:{name} is a {type(factory).__name__}; name a function that returns the model")
    try:
        made = factory()
    except Exception as error:
        raise _failed(f"{module}:{name}", error) from error
    if inspect.isclass(factory) and isinstance(made, torch.nn.Module):
        made = made.eval()  # as it is used; a function returns the mode that it means
    model, inputs = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not callable(model):
        raise InputError(f"{module}:{name} returned a {type(model).__name__}; return the model, or (model, inputs)")
    return Loaded(model, inputs)


def _imported(module: str, name: str) -> Any:
    sys.path.insert(0, os.getcwd())  # as python -m has it: the user's own modules are there
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise _failed(module, error) from error
        raise InputError(
            f"there is no module {module!r}{did_you_mean(module, _LIBRARIES)}; a model is {HELP}"
        ) from error
    except Exception as error:
        raise _failed(module, error) from error
    finally:
        sys.path.remove(os.getcwd())
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module} has no {name!r}{did_you_mean(part, dir(found))}")
        found = getattr(found, part)
    return found


def _failed(what: str, error: Exception) -> InputError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    return InputError(f"{what} failed at {where}: {type(error).__name__}: {error}")
