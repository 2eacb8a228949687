"""Adding calls to a captured graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._guards import detect_fake_mode
from torch.utils import _pytree as pytree

aten: Final = torch.ops.aten
#: what describes the result of a call, and not where it is in the model
_OF_RESULTS: Final = ("val", "unbacked_bindings", "tensor_meta")


class NotExpressibleError(Exception):
    """A call that cannot be said in another way."""


def arguments(node: torch.fx.Node) -> dict[str, Any]:
    """The arguments of a call of an operator by their names, with the defaults of those left out."""
    assert isinstance(node.target, torch._ops.OpOverload)
    named = {a.name: a.default_value for a in node.target._schema.arguments if a.has_default_value()}
    positional = (argument.name for argument in node.target._schema.arguments)
    return named | dict(zip(positional, node.args, strict=False)) | node.kwargs


class Emitter:
    """Adds calls before one node after another; each has the FakeTensor of its result."""

    def __init__(self, graph: torch.fx.Graph) -> None:
        self._graph = graph
        self._mode = detect_fake_mode([node.meta.get("val") for node in graph.nodes])
        self._place: torch.fx.Node = next(iter(graph.nodes))

    def before(self, node: torch.fx.Node) -> None:
        """Put what follows before ``node``, as a part of what it is in the model."""
        self._place = node

    def __call__(self, overload: Any, *args: Any, **kwargs: Any) -> torch.fx.Node:
        """Add a call; :class:`NotExpressibleError` where PyTorch does not allow it, or only for some dynamic sizes."""
        values = pytree.tree_map_only(torch.fx.Node, lambda node: node.meta["val"], (args, kwargs))
        guards = getattr(getattr(self._mode, "shape_env", None), "guards", ())
        known = len(guards)
        assert self._mode is not None
        try:
            with self._mode, enable_python_dispatcher():
                value = overload(*values[0], **values[1])
        except Exception as error:
            raise NotExpressibleError(str(error)) from error
        if len(guards) > known:
            raise NotExpressibleError(f"{overload} depends on a dynamic size")
        return self.node(overload, args, kwargs, value)

    def node(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> torch.fx.Node:
        """Add a call whose result is known."""
        with self._graph.inserting_before(self._place):
            node = self._graph.call_function(target, args, kwargs)
        node.meta = {key: known for key, known in self._place.meta.items() if key not in _OF_RESULTS}
        node.meta["val"] = value
        return node

    def again(self, node: torch.fx.Node, operands: dict[torch.fx.Node, Any], **changes: Any) -> torch.fx.Node:
        """Add the call that ``node`` is, with other operands and some arguments changed."""
        args, kwargs = list(node.args), dict(node.kwargs)
        names = [argument.name for argument in node.target._schema.arguments]  # type: ignore[union-attr]  # an overload
        for name, value in changes.items():
            if names.index(name) < len(args):
                args[names.index(name)] = value
            else:
                kwargs[name] = value
        args, kwargs = pytree.tree_map_only(torch.fx.Node, lambda used: operands.get(used, used), (args, kwargs))
        return self(node.target, *args, **kwargs)

    def size(self, node: torch.fx.Node, dim: int) -> Any:
        """A size of a tensor: an int, or the node that computes it."""
        size = node.meta["val"].shape[dim]
        return size if isinstance(size, int) else self.node(aten.sym_size.int, (node, dim), {}, size)

    def sizes(self, node: torch.fx.Node) -> list[Any]:
        """All sizes of a tensor."""
        return [self.size(node, dim) for dim in range(node.meta["val"].dim())]

    def view(self, node: torch.fx.Node, shape: Sequence[Any]) -> torch.fx.Node:
        """The elements of ``node`` in another shape."""
        if len(shape) == node.meta["val"].dim() == 1:
            return node
        try:
            return self(aten.view.default, node, list(shape))
        except NotExpressibleError:
            contiguous = self(aten.clone.default, node, memory_format=torch.contiguous_format)
            return self(aten.view.default, contiguous, list(shape))

    def full(self, shape: Sequence[Any], value: Any, like: torch.fx.Node) -> torch.fx.Node:
        """A tensor of one number, in the dtype of another."""
        example = like.meta["val"]
        return self(aten.full.default, list(shape), value, dtype=example.dtype, device=example.device)

    def cast(self, node: torch.fx.Node, dtype: torch.dtype) -> torch.fx.Node:
        """``node`` in another dtype."""
        return node if node.meta["val"].dtype is dtype else self(aten._to_copy.default, node, dtype=dtype)
