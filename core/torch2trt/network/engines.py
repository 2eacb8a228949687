"""Engines on disk, by the keys of what makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Final

from ..cache.entry import Entry
from ..cache.place import Cache, store_of
from ..cache.store import Store
from ..runtime.engine import Engine

_KIND: Final = "engine"


def engines_of(cache: Cache) -> MutableMapping[str, Engine] | None:
    """The engines that ``cache=`` asks for: the mapping itself, those of a folder, or none."""
    if isinstance(cache, MutableMapping):
        return cache
    store = store_of(cache)
    return Engines(store) if store else None


class Engines(MutableMapping[str, Engine]):
    """The engines of a store.

    What is damaged or foreign is not in it, and what is put in may be gone when it is asked for: the store is bounded,
    and other processes have it too.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, key: str) -> Engine:
        entry = self._store.get(_KIND, key)
        if entry is None:
            raise KeyError(key)
        origin, serialized = entry.parts
        return Engine(serialized, entry.about["flavor"], entry.about["version"], json.loads(origin))

    def __setitem__(self, key: str, engine: Engine) -> None:
        calls = engine.provenance.get("calls", ())
        about = {
            "flavor": engine.flavor,
            "version": engine.version,
            "precision": engine.provenance.get("settings", {}).get("precision"),
            "calls": len(calls),
            "first": next((call["source"] for call in calls if call.get("source")), None),
        }
        self._store.put(_KIND, key, Entry(about, (json.dumps(engine.provenance).encode(), engine.serialized)))

    def __delitem__(self, key: str) -> None:
        if not self._store.remove(_KIND, key):
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (stored.key for stored in self._store if stored.kind == _KIND)

    def __len__(self) -> int:
        return sum(1 for _ in self)
