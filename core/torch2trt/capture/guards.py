"""What an export relied on of the sizes of its inputs, as guards of the converted module."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from ..errors import CaptureError, InputError
from ..program.guards import Guard, compiled
from .sources import source_in

#: the size of an input in the code of a guard, such as ``L['x']['a'].size()[1]``
_SIZE: Final = re.compile(r"L((?:\['[^']*'\]|\[\d+\]|\.\w+)+)\.size\(\)\[(\d+)\]")


def guards_of(exported: ExportedProgram, names: Sequence[str]) -> list[Guard]:
    """What ``exported.module()`` checks of its inputs' sizes, in the names of the program's inputs.

    Args:
        exported: the program.
        names: the name of each leaf of its inputs.

    Raises:
        CaptureError: the model decides by something else than the sizes of its inputs.
    """
    # the only place where a loaded program has them
    codes: list[str] = list(exported._guards_code)
    if not codes:
        return []
    places, sources = _places(exported, names), _sources(exported, len(codes))
    return [Guard(_condition(code, places, source), source) for code, source in zip(codes, sources, strict=True)]


def _condition(code: str, places: Mapping[str, str], source: str) -> str:
    def spelled(match: re.Match[str]) -> str:
        return f"{_name(match[1], places)}.shape[{match[2]}]"

    try:
        condition = _SIZE.sub(spelled, code)
        compiled(condition)
    except (LookupError, InputError) as error:
        where = f" at {source}" if source else ""
        raise CaptureError(
            f"the model decides{where} by {code}, which a converted module cannot check at its calls; make the "
            "decision outside of the model, or give this input without a dynamic size"
        ) from error
    return condition


def _places(exported: ExportedProgram, names: Sequence[str]) -> dict[str, str]:
    """The name of the input at each place of the call: ``['x']['a']``."""
    spec, entry = exported.call_spec.in_spec, exported.module_call_graph[0].signature
    assert spec is not None
    args, kwargs = pytree.tree_unflatten(names, spec)
    parameters = (entry.forward_arg_names if entry else None) or [f"args_{index}" for index in range(len(args))]
    call = {**dict(zip(parameters, args, strict=False)), **kwargs}
    return {pytree.keystr(path): name for path, name in pytree.tree_leaves_with_path(call)}


def _name(place: str, places: Mapping[str, str]) -> str:
    """The name of an input; export writes those of ``*args`` and ``**kwargs`` as items of these parameters."""
    if place not in places:
        place = re.sub(r"^\['(\w+)'\]\[(\d+)\]", r"['\1_\2']", place)
    if place not in places:
        place = re.sub(r"^\['\w+'\]", "", place)
    return places[place]


def _sources(exported: ExportedProgram, count: int) -> list[str]:
    """Where the user's code decides by each guard; a loaded program does not say."""
    values = (node.meta.get("val") for node in exported.graph.find_nodes(op="placeholder"))
    environments = [value.fake_mode.shape_env for value in values if hasattr(value, "fake_mode")]
    known = environments[0].guards if environments and environments[0] else ()
    return [_source(guard.sloc) for guard in known] if len(known) == count else [""] * count


def _source(location: Any) -> str:
    frame = location.framework_loc
    if location.maybe_user_loc:
        return str(location.maybe_user_loc)
    return source_in([(frame.filename, str(frame.lineno))]) if hasattr(frame, "filename") else ""
