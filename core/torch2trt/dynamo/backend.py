"""The backend, which PyTorch finds through the entry-point group ``torch_dynamo_backends``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from typing_extensions import Unpack

from ..errors import CaptureError, FallbackWarning, warn
from ..keywords import takes_settings
from ..settings import Settings, SettingsKeywords
from .compiled import Compiled
from .memory import why_in_torch
from .outputs import split
from .taken import taken_by

Run: TypeAlias = Callable[..., Sequence[Any]]


def backend(
    graph_module: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    mode: str | None = None,
) -> Run:
    """What runs a graph of ``torch.compile(model, backend="torch2trt", options={...})``.

    It is converted at its first call: Dynamo is done then, so errors are those of :func:`torch2trt.convert`, and its
    lock is free for whoever captures in another thread.

    Args:
        graph_module: the graph.
        example_inputs: what Dynamo traced it with.
        options: the settings of :func:`torch2trt.convert`; ``fallback`` is on by default.
        mode: None; modes are Inductor's.

    Raises:
        TypeError: an option that is no setting, with the right spelling.
        ValueError: a value that a setting cannot have.
        CaptureError: with ``fallback=False``, a graph that only PyTorch can run.
    """
    if mode is not None:
        raise ValueError(f"mode={mode!r} is one of Inductor's; leave it out: engines run as CUDA graphs by themselves")
    settings = options_of(**{"fallback": True, **(options or {})})
    if reason := why_in_torch(graph_module, example_inputs):
        if not settings.fallback:
            raise CaptureError(f"a graph of torch.compile {reason}")
        warn(f"PyTorch runs a graph of torch.compile, which {reason}", FallbackWarning)
        return graph_module.forward
    parts = split(graph_module)
    if parts is None:  # only views of its inputs: there is nothing to compute
        return graph_module.forward
    return Compiled(graph_module, parts, taken_by(graph_module, example_inputs), settings)


@takes_settings
def options_of(**options: Unpack[SettingsKeywords]) -> Settings:
    """The options as settings."""
    return Settings(**options)
