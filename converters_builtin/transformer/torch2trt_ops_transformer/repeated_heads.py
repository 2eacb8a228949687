"""Attention whose heads of keys and values were repeated for the heads of its queries: it takes them as they are.

Models repeat them before the call, as ``torch.repeat_interleave`` does.  TensorRT's layer needs no copies, which an
engine would write and read for every token that is generated.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true

aten: Final = torch.ops.aten
_VIEWS: Final = (aten.view.default, aten._unsafe_view.default, aten.reshape.default)
_HEADS: Final = 1


def use_as_they_are(graph_module: torch.fx.GraphModule) -> None:
    """Rewrite the graph, and those that its calls run, in place."""
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.find_nodes(op="call_function", target=aten.scaled_dot_product_attention.default):
                _use_own_heads(node)


def _use_own_heads(attention: Any) -> None:
    query, *repeated = attention.args[:3]
    own = [_origin(node) for node in repeated]
    if attention.kwargs.get("enable_gqa") or any(node is None for node in own):
        return
    # the layer wants keys and values of one shape, and a multiple of their heads in the queries
    heads = [_shape(node)[_HEADS] for node in (query, *own)]
    if not all(isinstance(count, int) for count in heads) or heads[1] != heads[2] or heads[0] % heads[1]:
        return
    attention.args = (query, *own, *attention.args[3:])
    attention.kwargs = {**attention.kwargs, "enable_gqa": True}
    for copies, origin in zip(repeated, own, strict=True):
        while copies is not origin and not copies.users:
            before = copies.args[0]
            copies.graph.erase_node(copies)
            copies = before


def _origin(node: Any) -> Any:
    """What ``(batch, heads, length, width)`` was before each head was repeated in its place, or None."""
    if node.target not in _VIEWS:
        return None
    copied = node.args[0]
    expanded = copied.args[0] if copied.target is aten.clone.default else copied
    if expanded.target is not aten.expand.default or expanded.args[0].target is not aten.unsqueeze.default:
        return None
    origin, dim = expanded.args[0].args
    if len(_shape(origin)) != 4 or len(_shape(node)) != 4 or dim % 5 != _HEADS + 1:
        return None
    (batch, heads, *rest), repeats = _shape(origin), _shape(expanded)[_HEADS + 1]
    sizes = [*_shape(expanded), *_shape(node)]
    expected = [batch, heads, repeats, *rest, batch, heads * repeats, *rest]
    is_alike = all(statically_known_true(pair[0] == pair[1]) for pair in zip(sizes, expected, strict=True))
    return origin if is_alike else None


def _shape(node: torch.fx.Node) -> tuple[Any, ...]:
    return tuple(node.meta["val"].shape)
