"""TensorRT plugins that packs bring: registered once a process, and asked for by name when an engine is loaded."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .._trt import trt
from ..errors import EngineError
from .loading import Packs

_REGISTER: Final = "torch2trt_register_plugins"
#: TensorRT's registry belongs to the process, so what was registered there does too
_registered: Final[list[Any]] = []
_lock: Final = threading.Lock()


def register_plugins(packs: Packs) -> None:
    """Call the hook of every pack of which it was not called yet in this process."""
    with _lock:
        for pack in packs.implementers(_REGISTER):
            plugin = packs.plugin(pack.name)
            if not any(plugin is other for other in _registered):
                packs.call_one(_REGISTER, pack.name, plugin_registry=trt.get_plugin_registry())
                _registered.append(plugin)


def packs_with_plugins(packs: Packs, used: Iterable[str]) -> list[dict[str, str]]:
    """What a manifest says of those of the packs ``used``, by name, that register plugins."""
    names = set(used)
    return [dataclasses.asdict(pack) for pack in packs.implementers(_REGISTER) if pack.name in names]


def require_plugins(needed: Iterable[Mapping[str, str]], packs: Packs, where: str) -> None:
    """Register the plugins that the engine in ``where`` needs; :class:`EngineError` names a pack that is not here."""
    here = {pack.name for pack in packs.implementers(_REGISTER)}
    for pack in needed:
        if pack["name"] not in here:
            distribution = f" (distribution {pack['distribution']} {pack['version']})" if pack["distribution"] else ""
            cure = f"pip install {pack['distribution']}" if pack["distribution"] else "torch2trt.load(..., packs=...)"
            raise EngineError(
                f"the engine in {where} needs the TensorRT plugins of the pack {pack['name']!r}{distribution}, "
                f"which is not loaded here; {cure}"
            )
    register_plugins(packs)
