"""What the classic function adds to a plan: the engine's names of tensors, and keywords for classic converters."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..plan.plan import Plan
from ..plan.planned import PlannedCall
from ..plan.segments import whole
from ..program.leaves import CHANGED
from .invoke import invoke


def named(plan: Plan, input_names: Sequence[str] | None, output_names: Sequence[str] | None) -> Plan:
    """The plan with names of the engine's tensors: those given, else ``input_0``, ``output_0`` and so on.

    Raises:
        InputError: names that are not one for each tensor.
    """
    signature = plan.program.signature
    assert signature is not None
    own = {buffer.name for buffer in signature.state}
    inputs = [spec.name for spec in signature.inputs if spec.name not in own]
    leaves = [leaf for leaf in signature.output_leaves if leaf.kind != "constant"]
    pairs = zip(leaves, signature.outputs, strict=True)
    outputs = list(dict.fromkeys(name for leaf, name in pairs if leaf.kind not in CHANGED))
    chosen = dict(zip(inputs, names_of("input", input_names, len(inputs)), strict=True))
    changed = dict(zip(outputs, names_of("output", output_names, len(outputs)), strict=True))
    returned = [changed.get(name, name) for name in dict.fromkeys(signature.outputs)]
    check_different([*chosen.values(), *own, *returned])
    signature = replace(
        signature,
        tensor_names=tuple((name, new) for name, new in chosen.items() if name != new),
        outputs=tuple(changed.get(name, name) for name in signature.outputs),
    )
    program = replace(plan.program, signature=signature)
    return replace(plan, program=program, segments=(whole(program, plan.calls),))


def with_keywords(plan: Plan, keywords: Mapping[str, Any]) -> Plan:
    """The plan whose classic converters get ``keywords`` as ``ctx.torch2trt_kwargs``."""
    calls = tuple(_with_keywords(planned, keywords) for planned in plan.calls)
    return replace(plan, calls=calls, segments=(whole(plan.program, calls),))


def _with_keywords(planned: PlannedCall, keywords: Mapping[str, Any]) -> PlannedCall:
    converter = planned.converter
    if converter is not None and converter.invoke is invoke:
        converter = replace(converter, invoke=functools.partial(invoke, keywords=keywords))
    bodies = {name: tuple(_with_keywords(one, keywords) for one in body) for name, body in planned.bodies.items()}
    return replace(planned, converter=converter, bodies=bodies)


def check_different(names: Sequence[str]) -> None:
    """That no two tensors of an engine have one name; :class:`InputError` says which do."""
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"the engine's tensors need different names; {', '.join(repeated)} is of several")


def names_of(kind: str, given: Sequence[str] | None, count: int) -> Sequence[str]:
    """The names that were given for inputs or outputs, or the classic ones; they must be one for each tensor."""
    if given is None:
        return [f"{kind}_{index}" for index in range(count)]
    if isinstance(given, str) or len(given) != count or not all(isinstance(name, str) and name for name in given):
        raise InputError(f"{kind}_names needs {count} names, one for each tensor, got {given!r}")
    return given
