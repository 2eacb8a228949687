"""The key of an engine: a digest of everything that makes it."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch

from .. import _trt
from ..packs.loading import Packs
from ..packs.operators import operators_of
from ..plan.plan import Plan
from ..plan.planned import walk
from ..plan.segments import Segment

#: the hooks that change an engine beside the converters
_HOOKS: Final = ("torch2trt_configure_build", "torch2trt_register_plugins")
#: the settings that TensorRT builds by; what the others decide stands in the calls
_SETTINGS: Final = (
    *("workspace", "optimization_level", "compute_capabilities", "refittable"),
    *("precision", "float64", "random"),
)
#: what a call has for those who read it, such as the line of the user's file
_READ: Final = ("source", "narrowed", "kept")
#: the files of a package that its code is in
_CODE: Final = (".py", ".so", ".pyd", ".dll")


def engine_key(plan: Plan, segment: Segment) -> str:
    """A hexadecimal digest that is equal for two segments only where their engines are.

    It covers the calls with their operands, the digests of the constants, the settings, the converters with the
    versions of their packs and the contents of their packages, the packs with hooks that change a build, TensorRT,
    PyTorch and the core itself; with full TensorRT, whose engines are for one, the GPU.
    """
    settings = plan.settings.to_dict()
    converters = [planned.converter for planned in walk(segment.calls) if planned.converter]
    parts = {
        "calls": [_without(planned.call.to_dict(), _READ) for planned in segment.calls],
        "inputs": [
            [str(ref), spec.name, spec.dtype, spec.ranges, spec.values, spec.profiles]
            for ref, spec in segment.inputs.items()
        ],
        "outputs": [[str(output), name] for output, name in segment.outputs],
        "constants": {name: digest(plan.program.constants[name]) for name in constants_of(segment)},
        "settings": {name: settings[name] for name in _SETTINGS},
        "streams": settings["weight_streaming"] is not None,
        "breaks": sorted(plan.breaks),
        "converters": [[converter.name, str(converter.pack)] for converter in converters],
        "code": sorted({_code_digest(converter.file) for converter in converters}),
        "operators": list(map(repr, operators_of(converters))),
        "hooks": {hook: _implementers(plan.packs, hook) for hook in _HOOKS},
        "core": _code_digest(__file__),
        "tensorrt": [_trt.FLAVOR, _trt.version()],
        "torch": torch.__version__,
        "machine": [platform.system(), platform.machine(), *_gpu()],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def constants_of(segment: Segment) -> list[str]:
    """The names of the constants that a segment uses."""
    return sorted({ref.name for planned in segment.calls for ref in planned.call.refs if ref.kind == "constant"})


def _without(data: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def digest(tensor: torch.Tensor) -> str:
    """Of a tensor's dtype, shape and values."""
    dense = tensor.detach().cpu().contiguous()
    made = hashlib.sha256(f"{dense.dtype}{tuple(dense.shape)}".encode())
    made.update(dense.view(-1).view(torch.uint8).numpy().data)  # its own memory, without a copy
    return made.hexdigest()


def _implementers(packs: Packs, hook: str) -> list[list[str]]:
    plugins = [(pack, packs.plugin(pack.name)) for pack in packs.implementers(hook)]
    return [[str(pack), _code_digest(_file_of(plugin))] for pack, plugin in plugins]


def _file_of(plugin: Any) -> str:
    """The file of a pack: of its module, or of its object's class."""
    module = plugin if inspect.ismodule(plugin) else sys.modules.get(type(plugin).__module__)
    return getattr(module, "__file__", None) or ""


def _gpu() -> list[str]:
    """What an engine of full TensorRT is built for; those of TensorRT for RTX run on any GPU."""
    if _trt.FLAVOR != "tensorrt" or not torch.cuda.is_available():
        return []
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    compute = [properties.major, properties.minor, properties.total_memory, properties.multi_processor_count]
    return [properties.name, *map(str, compute)]


@functools.lru_cache
def _code_digest(path: str) -> str:
    """Of all code of the package that a file is in, for its helpers change more often than its version."""
    file = Path(path)
    if not file.is_file():
        return ""
    folder = file.parent
    if not (folder / "__init__.py").is_file():
        return hashlib.sha256(file.read_bytes()).hexdigest()
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    made = hashlib.sha256()
    for found in sorted(found for found in folder.rglob("*") if found.suffix in _CODE and found.is_file()):
        data = found.read_bytes()
        made.update(f"{found.relative_to(folder).as_posix()} {len(data)}\n".encode() + data)
    return made.hexdigest()
