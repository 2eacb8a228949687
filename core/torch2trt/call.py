"""One call of the captured program, as converters and plans see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from .dtypes import short_name
from .targets import Target


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operator, a function or a module in the program.

    Runtime tensors are FakeTensors (shape and dtype, dynamic sizes as SymInts), parameters, buffers and constants are
    the real ones.  ``result`` is what PyTorch returns: a FakeTensor, a SymInt, or a pytree of them.
    """

    target: Target
    #: unique in the program, the same in every run
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    #: dotted path of the module that makes the call ("" is the model itself) and the name of its type
    module_path: str
    module_type: str
    #: ``file.py:41`` of the innermost line outside of PyTorch, or ""
    source: str
    #: which of several results the program uses; None where all of them may be
    used: frozenset[int] | None = None

    @property
    def results(self) -> tuple[Any, ...]:
        """The leaves of ``result`` in pytree order: what a converter returns one tensor for each of."""
        return tuple(pytree.tree_leaves(self.result))

    def uses(self, index: int) -> bool:
        """Whether the program uses result ``index``; a converter may return None for one that it does not."""
        return self.used is None or index in self.used

    @property
    def where(self) -> str:
        """``encoder.ln (LayerNorm) at model.py:41``."""
        module = f"{self.module_path} ({self.module_type})" if self.module_path else self.module_type or "the model"
        return f"{module} at {self.source}" if self.source else module

    def signature(self) -> str:
        """The arguments in short: ``f32[2, 8], [8], eps=1e-05``."""
        parts = [summarise(arg) for arg in self.args] + [f"{k}={summarise(v)}" for k, v in self.kwargs.items()]
        return ", ".join(parts)


def summarise(value: Any) -> str:
    """A short text for an argument: tensors by dtype and shape."""
    if isinstance(value, torch.Tensor):
        return f"{short_name(value.dtype)}[{', '.join(str(size) for size in value.shape)}]"
    if isinstance(value, torch.nn.Module):
        return type(value).__name__
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(summarise(item) for item in value) + "]"
    return str(value)
