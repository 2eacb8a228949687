"""The manifest of a converted module: what is written, and the checks of what is read.

A manifest comes from a file that anybody may have made.  Everything that is used of it is checked here, so that the
rest of the runtime can rely on it; the digest tells an edited or damaged one from what was saved.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, Final, get_args

import torch

from ..dtypes import carrier, why_unsupported
from ..errors import EngineError
from ..program.guards import compiled
from ..program.leaves import CHANGED, LeafKind, TensorSpec
from ..program.signature import Signature
from .engine import Engine, host
from .state import State

FORMAT: Final = "torch2trt-module"
FORMAT_VERSION: Final = 4

#: the leaves that are inputs of the engine
_TENSORS: Final = ("tensor", "complex")
_SIMPLE: Final = {NoneType, bool, int, float, str}
_LEAF: Final = {"kind": str, "name": str, "value": _SIMPLE, "dtype": str}
_RANGES: Final = [(int, int, int)]
_INPUT: Final = {"name": str, "dtype": str, "ranges": _RANGES, "values": _RANGES, "contiguous": bool}
_PACK: Final = {"name": str, "distribution": str, "version": str}
#: a type, a set of types, a list of one kind, a tuple of a fixed length, a mapping of exactly these keys; or anything
_SCHEMA: Final[Any] = {
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
    },
    "engine": {
        "flavor": str,
        "version": str,
        "sha256": str,
        "bytes": int,
        "settings": dict,
        "breaks": [str],
        "packs": [_PACK],
        "plugins": [_PACK],
        "calls": [dict],
    },
}


def manifest(engine: Engine, signature: Signature) -> dict[str, Any]:
    """The manifest of a module; :class:`EngineError` where it could not be read again."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "host": host(),
        "signature": signature.to_dict(),
        "engine": {
            **engine.to_dict(),
            "sha256": hashlib.sha256(engine.serialized).hexdigest(),
            "bytes": len(engine.serialized),
        },
    }
    try:
        written: dict[str, Any] = json.loads(json.dumps(data))
    except (TypeError, ValueError) as error:
        raise EngineError(f"the converted module cannot be saved: {error}") from error
    written["digest"] = digest(written)
    checked(written, "the converted module")
    return written


def checked(data: Any, where: str) -> tuple[dict[str, Any], Signature]:
    """A manifest and its signature, in which nothing is missing, foreign or contradictory.

    Args:
        data: what was read.
        where: what it was read from, for errors.

    Raises:
        EngineError: it is of another format, was damaged or edited, or needs a pytree node that is not registered here.
    """
    try:
        return _checked(data, where)
    except RecursionError as error:  # what Python's parser of JSON still took
        raise EngineError(f"the manifest of {where} is damaged or was edited: it is nested too deeply") from error


def _checked(data: Any, where: str) -> tuple[dict[str, Any], Signature]:
    found = (data.get("format"), data.get("format_version")) if isinstance(data, dict) else (None, None)
    if found != (FORMAT, FORMAT_VERSION):
        raise EngineError(
            f"{where} has the format {found[0]!r:.80} version {found[1]!r:.80}, "
            f"this torch2trt reads {FORMAT!r} version {FORMAT_VERSION}; convert the model again"
        )
    reason = _why_not(data, _SCHEMA, "the manifest")
    if reason is None and data["digest"] != digest(data):
        reason = "its digest is not that of its contents"
    if reason is None:
        try:
            signature = Signature.from_dict(data["signature"])
        except EngineError as error:
            raise EngineError(f"the manifest of {where} cannot be used: {error}") from error
        reason = _why_inconsistent(signature)
    if reason is not None:
        raise EngineError(
            f"the manifest of {where} is damaged or was edited: {reason}; save or convert the model again"
        )
    return data, signature


def digest(data: Mapping[str, Any]) -> str:
    """Of everything in a manifest but the digest itself."""
    rest = {key: value for key, value in data.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _why_not(value: Any, schema: Any, path: str) -> str | None:
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
    return next(filter(None, itertools.starmap(_why_not, parts)), None)


def _why_inconsistent(signature: Signature) -> str | None:
    """What contradicts itself in a calling convention; None where a call can rely on it."""
    if reason := next(filter(None, map(_why_no_input, signature.inputs)), None):
        return reason
    for leaf in (*signature.input_leaves, *signature.output_leaves):
        dtype = getattr(torch, leaf.dtype, None) if leaf.kind == "tensor" else None
        is_wide = (leaf.kind, leaf.dtype) == ("complex", "complex128")
        if leaf.dtype and not is_wide and not (isinstance(dtype, torch.dtype) and carrier(dtype) is not dtype):
            return f"a leaf has the dtype {leaf.dtype!r:.60}"
    sizes = {(spec.name, dim) for spec in signature.inputs for dim in range(len(spec.ranges))}
    if foreign := {size for guard in signature.guards for size in compiled(guard.condition).sizes} - sizes:
        return f"a guard asks for the size {min(foreign)!r:.60}"
    kinds = {leaf.kind for leaf in (*signature.input_leaves, *signature.output_leaves)}
    if unknown := kinds - set(get_args(LeafKind)):
        return f"a leaf is {min(unknown)!r:.60}"
    names = sorted(spec.name for spec in signature.inputs)
    given = [leaf.name for leaf in signature.input_leaves if leaf.kind in _TENSORS]
    own = [buffer.name for buffer in signature.state]
    pairs = {leaf.name for leaf in signature.input_leaves if leaf.kind == "complex"}
    if any(spec.name in pairs and (not spec.ranges or spec.ranges[-1] != (2, 2, 2)) for spec in signature.inputs):
        return "a complex input is no pair"
    if len(set(names)) != len(names) or names != sorted(given + own):
        return "its inputs and their leaves differ"
    if reason := _why_no_state(signature):
        return reason
    chosen = dict(signature.tensor_names)
    if not chosen.keys() <= set(names) or len({chosen.get(name, name) for name in names}) != len(names):
        return "the engine's names of its inputs are not one each"
    returned = [leaf for leaf in signature.output_leaves if leaf.kind not in CHANGED]
    mutated = {leaf.name for leaf in signature.output_leaves if leaf.kind == "mutated"}
    outputs = [leaf for leaf in signature.output_leaves if leaf.kind != "constant"]
    if not mutated <= set(given) or len(outputs) != len(signature.outputs):
        return "its outputs and their leaves differ"
    call = signature.in_spec
    if call.type is not tuple or [child.type for child in call.children()] != [tuple, dict]:
        return "its inputs are no call's"
    if (call.num_leaves, signature.out_spec.num_leaves) != (len(signature.input_leaves), len(returned)):
        return "its structures and leaves differ"
    return None


def _why_no_input(spec: TensorSpec) -> str | None:
    dtype = getattr(torch, spec.dtype, None)
    if not isinstance(dtype, torch.dtype) or why_unsupported(spec.carrier):
        return f"input {spec.name!r:.60} has the dtype {spec.dtype!r:.60}"
    if not all(0 <= low <= best <= high for low, best, high in spec.ranges):
        return f"input {spec.name!r:.60} has the sizes {spec.ranges!r:.60}"
    if spec.values and len(spec.values) != math.prod(low for low, _, _ in spec.ranges):
        return f"input {spec.name!r:.60} has {len(spec.values)} values"
    return None


def _why_no_state(signature: Signature) -> str | None:
    """What contradicts itself in the buffers of a calling convention; None where a module can keep them."""
    specs = {spec.name: spec for spec in signature.inputs}
    names, paths = [buffer.name for buffer in signature.state], [buffer.path for buffer in signature.state]
    if sorted(names) != sorted(leaf.name for leaf in signature.output_leaves if leaf.kind == "state"):
        return "its buffers and their new values differ"
    if any(low != high for name in names for low, _, high in specs[name].ranges):
        return "a buffer has no fixed size"
    try:
        State(signature.state, [torch.empty(0)] * len(names))
    except (KeyError, AttributeError, TypeError) as error:
        return f"its buffers have impossible places: {error}"
    return None if len(set(paths)) == len(paths) else "two buffers have one place"
