"""What becomes of calls that every converter declines: PyTorch's own rule, with the reasons noted on what comes of it.

Notes travel in ``node.meta["custom"]``, which PyTorch's tracers copy to every node that a call turns into.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import torch
from torch.fx import traceback
from torch.utils import _pytree as pytree

_REASONS: Final = "torch2trt_declined"
_DECOMPOSE: Final = "torch2trt_decompose"
_CAME_OF: Final = "torch2trt_came_of"


@contextlib.contextmanager
def noting(reasons: Sequence[str]) -> Iterator[None]:
    """Note on every node that is traced meanwhile why the call that it comes of was declined."""
    earlier = traceback.get_current_meta().get("custom", {}).get(_REASONS, ())
    with traceback.preserve_node_meta(), traceback.annotate({_REASONS: (*earlier, *reasons)}):
        yield


def reasons_noted(node: torch.fx.Node) -> tuple[str, ...]:
    """Why the calls that ``node`` comes of were declined."""
    return tuple(node.meta.get("custom", {}).get(_REASONS, ()))


def mark(node: torch.fx.Node, reasons: Sequence[str] | None) -> None:
    """Say whether the next decomposition takes ``node`` apart: with these reasons, or not where there are none."""
    custom = dict(node.meta.get("custom", {}))
    custom.pop(_DECOMPOSE, None)
    if reasons is not None:
        custom[_DECOMPOSE] = str(node.target)
        custom[_REASONS] = (*custom.get(_REASONS, ()), *reasons)
        custom[_CAME_OF] = (*custom.get(_CAME_OF, ()), str(node.target))
    node.meta["custom"] = custom


def unmark(node: torch.fx.Node) -> None:
    """Take every note of ours from a node."""
    custom = node.meta.get("custom", {})
    for key in (_REASONS, _DECOMPOSE, _CAME_OF):
        custom.pop(key, None)
    if not custom:
        node.meta.pop("custom", None)


def came_back(node: torch.fx.Node) -> bool:
    """Whether ``node`` came of a declined call of the same operator, whose rule gives it back."""
    return str(node.target) in node.meta.get("custom", {}).get(_CAME_OF, ())


def where_marked(overload: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
    """``rule`` for the marked calls of ``overload``; all others stay whole.

    So does a call that PyTorch's own rule refuses, or for which it gives other shapes or dtypes than the operator: it
    is unsupported, with the converters' reasons.
    """
    inside = False

    def decide(*args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        meta = traceback.get_current_meta()
        marked = meta.get("custom", {}).get(_DECOMPOSE)
        if inside or marked != str(overload):  # inside, a rule that calls its own operator would find the mark again
            return NotImplemented
        inside = True
        try:
            result = rule(*args, **kwargs)
        except Exception:
            return NotImplemented
        finally:
            inside = False
        return result if _alike(result, meta.get("val")) else NotImplemented

    return decide


def _alike(result: Any, expected: Any) -> bool:
    """Whether two pytrees have tensors of the same dtypes and, as far as they are known, shapes."""
    pairs = zip(pytree.tree_leaves(result), pytree.tree_leaves(expected), strict=False)
    return all(
        one.dtype == other.dtype and len(one.shape) == len(other.shape) and all(map(_same_size, one.shape, other.shape))
        for one, other in pairs
        if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor)
    )


def _same_size(one: int | torch.SymInt, other: int | torch.SymInt) -> bool:
    return not isinstance(one, int) or not isinstance(other, int) or one == other
