"""The manifest of a converted module: what is written, and the checks of what is read.

A manifest comes from a file that anybody may have made.  Everything that is used of it is checked here, so that the
rest of the runtime can rely on it; the digest tells an edited or damaged one from what was saved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, get_args

import torch

from ..dtypes import carrier
from ..errors import EngineError
from ..program.guards import compiled
from ..program.leaves import CHANGED, LeafKind, why_no_inputs
from ..program.signature import Signature
from .engine import Engine, host
from .packed import Packed
from .schema import SCHEMAS, why_not
from .state import State

FORMAT: Final = "torch2trt-module"
#: the leaves that are inputs of the engine
_TENSORS: Final = ("tensor", "complex")


def manifest(body: Engine | Packed, signature: Signature) -> dict[str, Any]:
    """The manifest of a module; :class:`EngineError` where it could not be read again."""
    is_engine = isinstance(body, Engine)
    data: dict[str, Any] = {
        "format": FORMAT,
        "format_version": 8 if is_engine else 10,
        "host": host(),
        "signature": signature.to_dict(),
        "engine" if is_engine else "hybrid": body.to_dict(),
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
    if found not in [(FORMAT, version) for version in SCHEMAS]:
        raise EngineError(
            f"{where} has the format {found[0]!r:.80} version {found[1]!r:.80}, "
            f"this torch2trt reads {FORMAT!r} version {' or '.join(map(str, SCHEMAS))}; convert the model again"
        )
    reason = why_not(data, SCHEMAS[found[1]], "the manifest")
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


def _why_inconsistent(signature: Signature) -> str | None:
    """What contradicts itself in a calling convention; None where a call can rely on it."""
    if reason := why_no_inputs(signature.inputs):
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
    pairs = {leaf.name for leaf in signature.input_leaves if leaf.kind == "complex"}
    if any(spec.name in pairs and (not spec.ranges or spec.ranges[-1] != (2, 2, 2)) for spec in signature.inputs):
        return "a complex input is no pair"
    if len(set(names)) != len(names) or names != sorted([*given, *(buffer.name for buffer in signature.state)]):
        return "its inputs and their leaves differ"
    if reason := _why_no_state(signature):
        return reason
    chosen = dict(signature.tensor_names)
    if not chosen.keys() <= set(names) or len({chosen.get(name, name) for name in names}) != len(names):
        return "the engine's names of its inputs are not one each"
    returned = [leaf for leaf in signature.output_leaves if leaf.kind not in CHANGED]
    mutated = {leaf.name for leaf in signature.output_leaves if leaf.kind == "mutated"}
    outputs = [leaf for leaf in signature.output_leaves if leaf.kind != "constant"]
    counts = {len(signature.outputs), len(signature.output_specs or outputs)}
    if not mutated <= set(given) or counts != {len(outputs)}:
        return "its outputs and their leaves differ"
    call = signature.in_spec
    is_call = call.type is tuple and [child.type for child in call.children()] == [tuple, dict]
    if not is_call or call.children()[0].num_children > len(signature.parameters):
        return "its inputs are no call's"
    if (call.num_leaves, signature.out_spec.num_leaves) != (len(signature.input_leaves), len(returned)):
        return "its structures and leaves differ"
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
