"""The classic function ``torch2trt``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from typing_extensions import Unpack

from ..api import convert
from ..capture.inputs import Input
from ..runtime.module import TRTModule
from ..settings import SettingsKeywords, takes_settings


@takes_settings
def torch2trt(
    module: torch.nn.Module,
    inputs: Sequence[Any],
    *,
    min_shapes: Sequence[Sequence[int]] | None = None,
    opt_shapes: Sequence[Sequence[int]] | None = None,
    max_shapes: Sequence[Sequence[int]] | None = None,
    max_batch_size: int | None = None,
    fp16_mode: bool = False,
    max_workspace_size: int | None = None,
    **settings: Unpack[SettingsKeywords],
) -> TRTModule:
    """Convert a module, with the arguments of the classic API.

    Args:
        module: the module, in eval mode.
        inputs: example inputs, a list of tensors.
        min_shapes, opt_shapes, max_shapes: one shape for each input, for dynamic sizes.
        max_batch_size: the first size of every input varies from 1 to this.
        fp16_mode: compute in float16; inputs and outputs keep their dtypes.
        max_workspace_size: bytes of scratch memory.
        settings: fields of :class:`Settings`.

    Returns:
        a :class:`TRTModule`.
    """
    tensors = list(inputs)
    described: list[Any] = tensors
    if min_shapes or max_shapes or max_batch_size:
        described = [
            Input(
                min=tuple(min_shapes[i]) if min_shapes else ((1, *t.shape[1:]) if max_batch_size else tuple(t.shape)),
                opt=tuple(opt_shapes[i]) if opt_shapes else tuple(t.shape),
                max=tuple(max_shapes[i])
                if max_shapes
                else ((max_batch_size, *t.shape[1:]) if max_batch_size else tuple(t.shape)),
                dtype=t.dtype,
            )
            for i, t in enumerate(tensors)
        ]
    if fp16_mode:
        settings["precision"] = torch.float16
    if max_workspace_size is not None:
        settings["workspace"] = max_workspace_size
    return convert(module, described, **settings)
