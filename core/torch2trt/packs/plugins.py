"""TensorRT plugins that packs bring: registered once a process, and asked for by name when an engine is loaded."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from .. import log
from .._trt import trt
from ..errors import EngineError, PackError
from ..plugins.creators import CreatorName, has_plugin_layers
from ..plugins.creators import creators as registered_creators
from ..plugins.operator import Operator
from .converters import Converter, PackInfo
from .loading import Packs
from .operators import operators_of

_REGISTER: Final = "torch2trt_register_plugins"
#: TensorRT's registry belongs to the process, so what was registered there does too
_registered: Final[list[Any]] = []
#: of operators; TensorRT does not keep them alive
_creators: Final[dict[Operator, Any]] = {}
#: of the creators the names of the packs that registered some of that name
_owners: Final[dict[CreatorName, set[str]]] = {}
_lock: Final = threading.Lock()


def register_plugins(packs: Packs) -> None:
    """Call the hook of every pack of which it was not called yet in this process, and add creators of operators.

    Raises:
        PackError: a hook failed, TensorRT refused what it gave, or two operators have one name.
    """
    with _lock:
        for pack in packs.implementers(_REGISTER):
            plugin = packs.plugin(pack.name)
            if not any(plugin is other for other in _registered):
                _call_hook(packs, pack)
                _registered.append(plugin)
        if has_plugin_layers():
            for operator in operators_of(packs.converters):
                if operator not in _creators:
                    _creators[operator] = register_operator(operator)


def register_operator(operator: Operator) -> Any:
    """The creator of an operator's plugins, now in TensorRT's registry, which does not keep it alive."""
    from ..plugins.layer import OperatorCreator

    creator = OperatorCreator(operator)
    if not trt.get_plugin_registry().register_creator(creator, operator.namespace):
        raise PackError(
            f"TensorRT has a plugin creator {operator.namespace}::{operator.name} of version {operator.version} "
            "already; give the operator's plugin another version: @torch2trt.plugin(version='2')"
        )
    return creator


def packs_with_plugins(
    packs: Packs, used: Iterable[Converter], creators: Collection[CreatorName] = ()
) -> list[dict[str, str]]:
    """What a manifest says of the packs that register plugins of an engine.

    Args:
        packs: all of them.
        used: the converters that made its layers; what they need of their own pack's plugins is not told.
        creators: those that were asked for by name, which may be another pack's.
    """
    hooks = packs.implementers(_REGISTER)
    needed = {converter.pack for converter in used if converter.pack in hooks or operators_of([converter])}
    owners = set().union(*(_owners.get(creator, ()) for creator in creators))
    needed |= {pack for pack in hooks if pack.name in owners}
    return [dataclasses.asdict(pack) for pack in packs.packs if pack in needed]


def require_plugins(needed: Iterable[Mapping[str, str]], packs: Packs, where: str) -> None:
    """Register the plugins that the engine in ``where`` needs; :class:`EngineError` names a pack that is not here."""
    here = {pack.name for pack in packs.implementers(_REGISTER)}
    here |= {converter.pack.name for converter in packs.converters if operators_of([converter])}
    for pack in needed:
        if pack["name"] not in here:
            distribution = f" (distribution {pack['distribution']} {pack['version']})" if pack["distribution"] else ""
            cure = f"pip install {pack['distribution']}" if pack["distribution"] else "torch2trt.load(..., packs=...)"
            raise EngineError(
                f"the engine in {where} needs the TensorRT plugins of the pack {pack['name']!r}{distribution}, "
                f"which is not loaded here; {cure}"
            )
    register_plugins(packs)


class _Registry:
    """TensorRT's registry, which notes the libraries that it does not load: that is no error of Python's."""

    def __init__(self) -> None:
        self._registry: Any = trt.get_plugin_registry()
        self.refused: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def load_library(self, path: str) -> Any:
        """The library, or None for one that cannot be loaded."""
        library = self._registry.load_library(path)
        if library is None:
            self.refused.append(str(path))
        return library


def _call_hook(packs: Packs, pack: PackInfo) -> None:
    # TensorRT logs why, to the first log that the process has made: ours, if that lives
    alive = trt.Runtime(log.logger())
    before, registry = registered_creators(), _Registry()
    with log.record_errors() as messages:
        packs.call_one(_REGISTER, pack.name, plugin_registry=registry)
    del alive
    for creator in registered_creators() - before:
        _owners.setdefault(creator, set()).add(pack.name)
    if registry.refused:
        libraries, why = ", ".join(registry.refused), log.format_messages(messages)
        raise PackError(f"pack {pack}: the library of plugins {libraries} is not loaded:{why}")
