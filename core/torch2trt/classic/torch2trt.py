"""The classic function ``torch2trt``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from typing_extensions import Unpack

from ..api import convert
from ..capture.inputs import Input
from ..runtime.module import TRTModule
from ..settings import SettingsKeywords, takes_settings

#: one shape for each input
Shapes: TypeAlias = "Sequence[Sequence[int]] | None"


@takes_settings
def torch2trt(
    module: torch.nn.Module,
    inputs: Sequence[Any],
    *,
    min_shapes: Shapes = None,
    opt_shapes: Shapes = None,
    max_shapes: Shapes = None,
    max_batch_size: int | None = None,
    fp16_mode: bool = False,
    max_workspace_size: int | None = None,
    **settings: Unpack[SettingsKeywords],
) -> TRTModule:
    """Convert a module, with the arguments of the classic API.

    Args:
        module: the module, in eval mode.
        inputs: a list of tensors.
        min_shapes, opt_shapes, max_shapes: one shape for each input, for dynamic sizes.
        max_batch_size: the first size of every input varies from 1 to this.
        fp16_mode: compute in float16; inputs and outputs keep their dtypes.
        max_workspace_size: bytes of scratch memory.
        settings: fields of :class:`Settings`.

    Returns:
        a :class:`TRTModule`.
    """
    described: list[Any] = list(inputs)
    if min_shapes or max_shapes or max_batch_size:
        described = _described(described, min_shapes, opt_shapes, max_shapes, max_batch_size)
    if fp16_mode:
        settings["precision"] = torch.float16
    if max_workspace_size is not None:
        settings["workspace"] = max_workspace_size
    return convert(module, described, **settings)


def _described(
    tensors: Sequence[torch.Tensor], low: Shapes, best: Shapes, high: Shapes, max_batch_size: int | None
) -> list[Input]:
    """Inputs whose sizes vary: as given, else the first from 1 to ``max_batch_size``, else not at all."""
    described = []
    for index, tensor in enumerate(tensors):
        shape = tuple(tensor.shape)
        smallest, largest = ((1, *shape[1:]), (max_batch_size, *shape[1:])) if max_batch_size else (shape, shape)
        described.append(
            Input(
                min=low[index] if low else smallest,
                opt=best[index] if best else shape,
                max=high[index] if high else largest,
                dtype=tensor.dtype,
            )
        )
    return described
