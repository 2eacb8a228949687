"""What a manifest has to hold, as one nested value, and the search for what it does not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from types import NoneType
from typing import Any, Final

_SIMPLE: Final = {NoneType, bool, int, float, str}
_LEAF: Final = {"kind": str, "name": str, "value": _SIMPLE, "dtype": str}
_PACK: Final = {"name": str, "distribution": str, "version": str}
_RANGES: Final[Any] = [(int, int, int)]
_INPUT: Final[Any] = {
    "name": str,
    "dtype": str,
    "ranges": _RANGES,
    "values": _RANGES,
    "contiguous": bool,
    "profiles": [_RANGES],
}
_ENGINE: Final[Any] = {
    "flavor": str,
    "version": str,
    "sha256": str,
    "bytes": int,
    "settings": dict,
    "breaks": [str],
    "packs": [_PACK],
    "plugins": [_PACK],
    "calls": [dict],
}
#: a call that PyTorch runs; a program inside of one has calls of the same kind, which are checked when they are read
CALL: Final[Any] = {
    "name": str,
    "target": str,
    "level": str,
    "pack": {NoneType, dict},
    "args": list,
    "kwargs": dict,
    "results": int,
    "module": str,
    "module_type": str,
    "source": str,
}
_HYBRID: Final[Any] = {
    "device": str,
    "segments": [str],
    "engines": [{"inputs": [(dict, _INPUT)], "outputs": [(dict, str)], "numbers": [str], "engine": _ENGINE}],
    "torch": [{"program": [CALL], "outputs": [dict], "calls": [dict], "waits": bool}],
    "outputs": [(str, object)],
    "constants": [(dict, object)],
    "tensors": {"bytes": int, "sha256": str, "entries": [{"dtype": str, "shape": [int]}]},
}
_MODULE: Final[Any] = {
    "format": str,
    "format_version": int,
    "digest": str,
    "host": {"torch": str, "gpu": str, "machine": str},
    "signature": {
        "inputs": [_INPUT],
        "outputs": [str],
        "parameters": [str],
        "guards": [{"condition": str, "source": str, "checked": bool}],
        "omitted": [(str, _SIMPLE)],
        "in_spec": object,
        "out_spec": object,
        "input_leaves": [_LEAF],
        "output_leaves": [_LEAF],
        "state": [{"name": str, "path": str, "persistent": bool}],
        "tensor_names": [(str, str)],
        "output_specs": [{"dtype": str, "sizes": [{int, str}]}],
    },
}
#: by the version of the format: a module of one engine, and one that PyTorch runs parts of.  Each is a type, a set of
#: types, a list of one kind, a tuple of a fixed length, a mapping of exactly these keys; or anything
SCHEMAS: Final[Any] = {8: {**_MODULE, "engine": _ENGINE}, 10: {**_MODULE, "hybrid": _HYBRID}}


def why_not(value: Any, schema: Any, path: str) -> str | None:
    """Why ``value`` is not what the schema asks for; None where it is."""
    kinds = schema if isinstance(schema, set) else {schema if isinstance(schema, type) else type(schema)}
    if kinds == {tuple}:
        kinds = {list}
    if kinds != {object} and type(value) not in kinds:
        return f"{path} is {value!r:.60}, not {' or '.join(sorted(kind.__name__ for kind in kinds))}"
    parts: Iterable[tuple[Any, Any, str]] = ()
    if isinstance(schema, dict):
        if value.keys() != schema.keys():
            wrong = [f"misses {key!r}" for key in schema if key not in value]
            wrong += [f"has a foreign {key!r:.60}" for key in value if key not in schema]
            return f"{path} {wrong[0]}"
        parts = ((value[key], inner, f"{path}.{key}") for key, inner in schema.items())
    elif isinstance(schema, tuple):
        if len(value) != len(schema):
            return f"{path} has {len(value)} entries, not {len(schema)}"
        parts = ((*pair, path) for pair in zip(value, schema, strict=True))
    elif isinstance(schema, list):
        parts = ((inner, schema[0], f"{path}[{index}]") for index, inner in enumerate(value))
    return next(filter(None, itertools.starmap(why_not, parts)), None)
