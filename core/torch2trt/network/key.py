"""The key of an engine: a digest of everything that makes it."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import torch

from .. import _trt
from ..packs.converters import Converter
from ..plan.plan import Plan
from ..plan.planned import walk
from ..plan.segments import Segment

#: the hooks that change an engine beside the converters
_HOOKS = ("torch2trt_configure_build", "torch2trt_register_plugins")


def engine_key(plan: Plan, segment: Segment) -> str:
    """A hexadecimal digest that is equal for two segments only where their engines are.

    It covers the calls with their operands, the digests of the constants, the settings, the converters with the
    versions of their packs and the contents of their files, the packs with hooks that change a build, and TensorRT.
    """
    used = {ref.name for planned in segment.calls for ref in planned.call.refs if ref.kind == "constant"}
    parts = {
        "calls": [planned.call.to_dict() for planned in segment.calls],
        "inputs": [[str(ref), spec.name, spec.dtype, spec.ranges, spec.values] for ref, spec in segment.inputs.items()],
        "outputs": [[str(output), name] for output, name in segment.outputs],
        "constants": {name: _digest(plan.program.constants[name]) for name in sorted(used)},
        "settings": plan.settings.to_dict(),
        "breaks": sorted(plan.breaks),
        "converters": [_identity(planned.converter) for planned in walk(segment.calls) if planned.converter],
        "hooks": {hook: [str(pack) for pack in plan.packs.implementers(hook)] for hook in _HOOKS},
        "tensorrt": [_trt.FLAVOR, _trt.version()],
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _digest(tensor: torch.Tensor) -> str:
    dense = tensor.detach().cpu().contiguous()
    header = f"{dense.dtype}{tuple(dense.shape)}"
    return hashlib.sha256(header.encode() + dense.view(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def _identity(converter: Converter) -> list[Any]:
    return [converter.name, str(converter.pack), _file_digest(inspect.getsourcefile(converter.function) or "")]


@functools.lru_cache
def _file_digest(path: str) -> str:
    """Of a converter's file: its author changes that more often than its version."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).is_file() else ""
