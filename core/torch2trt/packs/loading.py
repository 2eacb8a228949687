"""Loading converter packs: entry points, pluggy, and the registry that comes out."""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import threading
import traceback
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pluggy
from importlib_metadata import EntryPoint, entry_points

from ..errors import PackError, did_you_mean
from . import hookspecs
from .converters import Converter, PackInfo
from .registry import PackRegistry, Registry, warn_conflicts

#: the entry-point group that packs are found by
GROUP: Final = "torch2trt.converters"
_REGISTER: Final = "torch2trt_register_converters"
_BLOCK: Final = "TORCH2TRT_BLOCK"
_AUTOLOAD: Final = "TORCH2TRT_AUTOLOAD"
_NO: Final = ("0", "false", "no", "off")
_YES: Final = ("1", "true", "yes", "on", "")
#: libraries that packs import may not bear to be imported by several threads at once
_loading: Final = threading.RLock()


class Packs:
    """The packs of a conversion: their hooks and their converters.

    Made by :meth:`load`; never changes afterwards, so conversions in several threads may share one.
    """

    def __init__(
        self, manager: pluggy.PluginManager, packs: Sequence[PackInfo], converters: Sequence[Converter]
    ) -> None:
        self._manager = manager
        #: the loaded packs, sorted by name
        self.packs = tuple(packs)
        #: all converters, those asked first first
        self.converters = tuple(converters)
        #: their chains by target
        self.registry = Registry(self.converters)

    @classmethod
    def load(cls, *, block: Iterable[str] = (), extra: Iterable[Any] = (), autoload: bool | None = None) -> Packs:
        """Load the installed packs, sorted by name, and ``extra``.

        Args:
            block: names of packs to leave out, beside those in ``TORCH2TRT_BLOCK``; they are not even imported.
            extra: modules or objects with hook implementations that no entry point names.
            autoload: whether installed packs are loaded; ``TORCH2TRT_AUTOLOAD=0`` turns it off by default.

        Raises:
            PackError: a pack that cannot be imported, two packs of one name, a hook or converter that cannot work, a
                name to leave out that no pack has.
        """
        if autoload is None:
            autoload = _autoload()
        extra = _sequence("extra", extra)
        blocked = _blocked(_sequence("block", block), {_name_of(plugin) for plugin in extra})
        manager = pluggy.PluginManager("torch2trt")
        manager.add_hookspecs(hookspecs)
        infos: dict[str, PackInfo] = {}
        for entry in _entries(blocked) if autoload else ():
            infos[entry.name] = PackInfo(
                entry.name, entry.dist.name if entry.dist else "", entry.dist.version if entry.dist else ""
            )
            _register(manager, _import(entry, infos[entry.name]), infos[entry.name])
        for plugin in extra:
            name = _name_of(plugin)
            if name not in blocked:
                infos[name] = PackInfo(name)
                _register(manager, plugin, infos[name])
        try:
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            known = ", ".join(name for name in dir(hookspecs) if name.startswith("torch2trt_"))
            raise PackError(f"{error}; the hooks are: {known}") from error
        return cls(manager, [infos[name] for name in sorted(infos)], _collect(manager, infos))

    def with_first(self, pack: PackInfo, converters: Sequence[Converter]) -> Packs:
        """The same packs with ``converters`` of ``pack`` asked before all others."""
        return Packs(self._manager, (*self.packs, pack), (*converters, *self.converters))

    def implementers(self, hook: str) -> list[PackInfo]:
        """The packs that implement a hook, the first called first."""
        infos = {pack.name: pack for pack in self.packs}
        names = [impl.plugin_name for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls())]
        return [infos[name] for name in names]

    @property
    def chooses_by_code(self) -> bool:
        """Whether a hook chooses converters, so that a call of any operator may have one."""
        return bool(self.implementers("torch2trt_find_converter"))

    def plugin(self, pack: str) -> Any:
        """The module or object of a pack that implements its hooks."""
        return self._manager.get_plugin(pack)

    def call_one(self, hook: str, pack: str, **arguments: Any) -> Any:
        """Call one pack's implementation of a hook; :class:`PackError` names the pack where it fails."""
        try:
            return _only(self._manager, hook, pack)(**arguments)
        except Exception as error:
            info = next(info for info in self.packs if info.name == pack)
            raise PackError(_failure(info, self.plugin(pack), hook, error)) from error

    def call_all(self, hook: str, **arguments: Any) -> None:
        """Call every pack's implementation of a hook, in pluggy's order."""
        for pack in self.implementers(hook):
            self.call_one(hook, pack.name, **arguments)

    def __repr__(self) -> str:
        return f"<Packs {', '.join(map(str, self.packs))}: {len(self.converters)} converters>"


def installed() -> Packs:
    """The installed packs, loaded at the first conversion and kept while the environment names the same ones."""
    with _loading:
        return _installed(*(os.environ.get(name) for name in (_BLOCK, _AUTOLOAD)))


@functools.lru_cache(maxsize=8)
def _installed(*environment: str | None) -> Packs:
    return Packs.load()


def entry_module_roots() -> frozenset[str]:
    """The top-level Python packages of all installed packs, found without importing any."""
    return frozenset(entry.module.partition(".")[0] for entry in entry_points(group=GROUP))


def _failure(pack: PackInfo, plugin: Any, hook: str, error: Exception) -> str:
    """What to say of a hook that raised, with its own line, which may have called into any library."""
    own = inspect.unwrap(getattr(plugin, hook)).__code__.co_filename
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno for frame in reversed(frames) if frame.filename == own), 0)
    return (
        f"pack {pack} failed in its hook {hook} ({own.rpartition('/')[2]}:{line}): {type(error).__name__}: {error}. "
        f"Mend it, or go on without it with {_BLOCK}={pack.name}"
    )


def _autoload() -> bool:
    value = os.environ.get(_AUTOLOAD, "").strip().lower()
    if value not in _YES + _NO:
        raise PackError(f"{_AUTOLOAD}={value!r} is neither yes nor no; set it to 0 to load no installed pack, or to 1")
    return value in _YES


def _sequence(name: str, given: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise PackError(f"{name}={given!r} is one thing; give a sequence of them: {name}=[...]")
    return tuple(given)


def _name_of(plugin: Any) -> str:
    name: str = getattr(plugin, "__name__", type(plugin).__name__)
    return name


def _blocked(block: Iterable[str], extra: set[str]) -> set[str]:
    """The names of the packs to leave out; :class:`PackError` for a name that no pack has."""
    given = {name.strip() for name in os.environ.get(_BLOCK, "").split(",")} - {""}
    named = [*((_BLOCK, name) for name in sorted(given)), *(("block", name) for name in block)]
    known = sorted({entry.name for entry in entry_points(group=GROUP)} | extra) if named else []
    for source, name in named:
        if name not in known:
            raise PackError(
                f"{source} names {name!r}, which is no pack here{did_you_mean(str(name), known)}; "
                f"the packs are {', '.join(known)}"
            )
    return {name for _, name in named}


def _entries(blocked: set[str]) -> list[EntryPoint]:
    entries = sorted((e for e in entry_points(group=GROUP) if e.name not in blocked), key=lambda entry: entry.name)
    for first, second in itertools.pairwise(entries):
        if first.name == second.name:
            # pluggy's own loader would skip the second without a word
            both = " and ".join(f"{e.dist.name} {e.dist.version}" if e.dist else str(e) for e in (first, second))
            raise PackError(
                f"two distributions provide a converter pack named {first.name!r}: {both}. "
                f"Uninstall one, or go on without both with TORCH2TRT_BLOCK={first.name}"
            )
    return entries


def _import(entry: EntryPoint, info: PackInfo) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise PackError(
            f"pack {info} cannot be imported ({entry.value}): {type(error).__name__}: {error}. "
            f"Reinstall it, or go on without it with TORCH2TRT_BLOCK={info.name}"
        ) from error


def _register(manager: pluggy.PluginManager, plugin: Any, info: PackInfo) -> None:
    names = [name for name in dir(plugin) if manager.parse_hookimpl_opts(plugin, name) is not None]
    if not names:
        raise PackError(
            f"pack {info} implements no hook; mark its functions with @torch2trt.hookimpl, for example {_REGISTER}"
        )
    for name in names:
        for parameter in inspect.signature(getattr(plugin, name)).parameters.values():
            if parameter.default is not parameter.empty or parameter.kind is parameter.KEYWORD_ONLY:
                raise PackError(
                    f"pack {info}: hook {name} has the parameter {parameter}; pluggy would never fill it. "
                    "Hooks take plain positional parameters, those of the hook's specification"
                )
    try:
        manager.register(plugin, info.name)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PackError(f"pack {info} cannot be registered: {error}") from error


def _collect(manager: pluggy.PluginManager, infos: dict[str, PackInfo]) -> list[Converter]:
    """Call every pack's registration hook by itself, in pluggy's order, so that each converter knows its pack."""
    ranks: dict[int, list[PackRegistry]] = {}
    for impl in reversed(manager.hook.torch2trt_register_converters.get_hookimpls()):
        registry = PackRegistry(infos[impl.plugin_name])
        try:
            _only(manager, _REGISTER, impl.plugin_name)(registry=registry)
        except PackError:
            raise
        except Exception as error:
            plugin = manager.get_plugin(impl.plugin_name)
            raise PackError(_failure(registry.pack, plugin, _REGISTER, error)) from error
        ranks.setdefault(impl.tryfirst - impl.trylast, []).append(registry)
    for rivals in ranks.values():
        warn_conflicts(rivals)
    return [
        converter
        for rank in sorted(ranks, reverse=True)
        for registry in ranks[rank]
        for converter in registry.converters
    ]


def _only(manager: pluggy.PluginManager, hook: str, pack: str) -> Any:
    others = [plugin for name, plugin in manager.list_name_plugin() if name != pack]
    return manager.subset_hook_caller(hook, others)
