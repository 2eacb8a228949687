"""The buffers that a program writes, which its engine takes and returns."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.export import ExportedProgram

from ..dtypes import short_name, why_unsupported
from ..errors import CaptureError
from ..program.leaves import Buffer, TensorSpec
from .buffers import sharing
from .read import written
from .wrappers import original_path


def written_state(
    exported: ExportedProgram, nodes: Mapping[str, torch.fx.Node]
) -> tuple[tuple[Buffer, ...], list[TensorSpec]]:
    """The buffers that the program writes, and what the engine takes for them."""
    buffers, specs, shared = [], [], dict(sharing(exported))
    for spec in written(exported):
        path, tensor = original_path(str(spec.target)), nodes[spec.arg.name].meta["val"]
        if reason := why_unsupported(tensor.dtype):
            raise CaptureError(f"the model changes its buffer {path!r} when it is called: {reason}")
        if path in shared:
            raise CaptureError(
                f"the model changes its buffer {path!r} when it is called, and its {shared[path]!r} has memory in "
                "common with it; give each memory of its own, such as .clone() makes"
            )
        buffers.append(Buffer(spec.arg.name, path, bool(spec.persistent)))
        specs.append(TensorSpec(spec.arg.name, short_name(tensor.dtype), tuple((size,) * 3 for size in tensor.shape)))
    return tuple(buffers), specs
