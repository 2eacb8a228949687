"""The calls that a setting names: by the path of their module, by its class, or by what they call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..errors import InputError, TargetError, did_you_mean
from ..packs.targets import resolve
from ..program.call import Call
from ..program.program import Program
from ..settings import named

#: whether a call is meant
_Means = Callable[[Call], bool]


def calls_named(
    setting: str, program: Program, entries: Sequence[Any], modules: Mapping[str, torch.nn.Module]
) -> dict[str, str]:
    """The entry that names each call, in words, by the names of the calls.

    Args:
        setting: ``run_in_torch``, or another one with such entries.
        program: the program.
        entries: as the setting has them.
        modules: those of the model by their paths; none of an ``ExportedProgram``, which has only its calls.

    Raises:
        InputError: an entry names no call.
    """
    reasons: dict[str, str] = {}
    for entry in entries:
        means = _meaning(entry, modules)
        meant = [call.name for call in program.calls if means(call)]
        if not meant:
            known = {*modules, *(call.target.name for call in program.calls)}
            known |= {name for module in modules.values() for name in _names(type(module))}
            raise InputError(
                f"{setting} has {named(entry)!r}, and the captured program has no call of such a module or target"
                f"{did_you_mean(named(entry), known)}; explain() shows its calls with their targets and modules"
            )
        reasons |= dict.fromkeys(meant, f"{setting} has {named(entry)!r}")
    return reasons


def _meaning(entry: Any, modules: Mapping[str, torch.nn.Module]) -> _Means:
    if isinstance(entry, type) and issubclass(entry, torch.nn.Module):
        return _inside([path for path, module in modules.items() if isinstance(module, entry)])
    if not isinstance(entry, str):
        return lambda call: call.target.obj is entry or getattr(call.target.overload, "overloadpacket", None) is entry
    paths = [path for path, module in modules.items() if entry in _names(type(module))]
    inside, target = _inside([*paths, entry]), _target(entry)
    return lambda call: inside(call) or call.target.name == entry or (target is not None and call.target.obj is target)


def _inside(paths: Sequence[str]) -> _Means:
    """Whether a call is made by one of these modules, or by what is in them; "" is the model."""
    beginnings = tuple(f"{path}." if path else "" for path in paths)
    return lambda call: f"{call.module_path}.".startswith(beginnings)


def _names(kind: type) -> tuple[str, str]:
    return kind.__name__, named(kind)


def _target(name: str) -> Any:
    try:
        return resolve(name).obj
    except TargetError:  # a path or a class, or the typo that no call is found for
        return None
