"""A converted module as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..program.profiles import in_profiles
from ..program.signature import Signature
from .parts import TorchPart


def lines_of(signature: Signature, outputs: Sequence[str], parts: Sequence[Any]) -> Iterator[str]:
    """The inputs with their ranges, the outputs, the buffers, and what runs them.

    Args:
        signature: the calling convention.
        outputs: the names of the outputs.
        parts: an engine, or the segments in the order in which they run; None where nothing was built.
    """
    paths = {buffer.name: buffer.path for buffer in signature.state}
    yield f"inputs: {', '.join(str(spec) for spec in signature.inputs if spec.name not in paths)}"
    yield f"outputs: {', '.join(outputs)}"
    if len(profiles := in_profiles(signature.inputs)) > 1:
        yield from (f"profile {index}: {', '.join(map(str, specs))}" for index, specs in enumerate(profiles))
    if paths:
        own = (replace(spec, name=paths[spec.name]) for spec in signature.inputs if spec.name in paths)
        yield f"buffers: {', '.join(map(str, own))}"
    engines = [getattr(part, "engine", part) for part in parts if not isinstance(part, TorchPart)]
    yield from (f"engine: {engine}" for engine in engines if engine is not None)
    yield from (f"in PyTorch: {part}" for part in parts if isinstance(part, TorchPart))
