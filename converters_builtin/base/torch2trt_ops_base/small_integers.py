"""Small integers: a network holds uint8, int8 and int16 as int32.

TensorRT has no int16, int8 is a quantized type there, and no layer but a cast takes uint8.  So the captured graph is
rewritten, before it is planned: inputs are cast to int32, outputs back, and what a call computes is brought back into
its dtype's range where it may have left it, as PyTorch's integers wrap around.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.utils import _pytree as pytree
from torch2trt import lib

from .nodes import packet

aten: Final = torch.ops.aten
_WIDE: Final = torch.int32
_SMALL: Final = (torch.uint8, torch.int8, torch.int16)
#: operators of PyTorch and calls that are kept whole; the operators of others get the dtypes that they were written for
_OWN_NAMESPACES: Final = ("aten", "prims", "torch2trt")
_CASTS: Final = ("_to_copy", "convert_element_type")
#: operators that TensorRT has for floating-point numbers only, whatever they are
_REPEATING: Final = ("upsample_nearest", "_upsample_nearest_exact")
#: operators whose operands are brought to one dtype first, which matters to the result beyond its lowest bits
_PROMOTING: Final = (
    *("eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum", "fmax", "fmin", "clamp"),
    *("div", "floor_divide", "remainder", "fmod"),
)
#: operators that give back elements of theirs, or nothing beyond the range of their operands
_IN_RANGE: Final = (
    *("view", "view_copy", "_unsafe_view", "permute", "permute_copy", "unsqueeze", "squeeze", "expand", "repeat"),
    *("slice", "slice_copy", "select", "select_copy", "split_with_sizes", "unbind", "unfold", "as_strided", "diagonal"),
    *("flip", "roll", "clone", "alias", "tril", "triu", "constant_pad_nd", "cat", "masked_select"),
    *("index", "_unsafe_index", "index_select", "gather", "take", "embedding"),
    *("maximum", "minimum", "fmax", "fmin", "clamp", "remainder", "fmod", "relu", "sign"),
    *("floor", "ceil", "trunc", "round", "bitwise_and", "bitwise_or", "bitwise_xor", "any"),
    *("sort", "topk", "kthvalue", "median", "max", "min", "amax", "amin", "cummax", "cummin"),
    *("max_pool2d_with_indices", "max_pool3d_with_indices"),
)


def widen(graph_module: torch.fx.GraphModule, *, outermost: bool = True) -> None:
    """Rewrite the graph, and those that its calls run, so that calls have int32 for small integers.

    Args:
        graph_module: the graph, changed in place.
        outermost: whether its inputs and outputs keep their dtypes, as those of the program must.
    """
    for node in graph_module.graph.find_nodes(op="get_attr"):
        if isinstance(body := getattr(graph_module, str(node.target), None), torch.fx.GraphModule):
            widen(body, outermost=False)
    if any(_small(node.meta.get("val")) for node in graph_module.graph.nodes):
        _Widening(graph_module.graph, outermost).run()


def _small(value: Any) -> bool:
    """Whether a value or one of its leaves is a tensor of small integers, or such a dtype."""
    return any(getattr(leaf, "dtype", leaf) in _SMALL for leaf in pytree.tree_leaves(value))


class _Widening:
    """One pass over a graph."""

    def __init__(self, graph: torch.fx.Graph, outermost: bool) -> None:
        self._graph, self._outermost = graph, outermost
        #: of an int32 node the dtype that it stands for
        self._stands_for: dict[torch.fx.Node, torch.dtype] = {}

    def run(self) -> None:
        nodes = list(self._graph.nodes)
        first_call = next(node for node in nodes if node.op != "placeholder")
        for node in nodes:
            if node.op == "call_function":
                self._call(node)
            elif node.op == "output" and self._outermost:
                for result in node.all_input_nodes:
                    node.replace_input_with(result, self._original(result, node))
            elif node.op == "placeholder" and _small(node.meta["val"]):
                if self._outermost:
                    self._replace(node, self._cast(node, _WIDE, first_call), node.meta["val"].dtype)
                else:
                    self._retag(node)

    def _call(self, node: torch.fx.Node) -> None:
        operands = [operand for operand in node.all_input_nodes if operand in self._stands_for]
        result = node.meta.get("val")
        if not operands and not _small(result) and not _small((node.args, node.kwargs)):
            return
        if self._takes_small_integers(node):
            for operand in operands:
                node.replace_input_with(operand, self._original(operand, node))
            self._widen_results(node)
            return
        name = packet(node)
        if name.startswith(_REPEATING):
            self._in_float(node)
            return
        in_range = name in _IN_RANGE or not isinstance(node.target, torch._ops.OpOverload)
        if name in _CASTS and isinstance(result, torch.Tensor) and result.dtype in _SMALL:
            in_range = self._narrow_operand(node, result.dtype)
        elif name in _PROMOTING and not result.dtype.is_floating_point:  # type: ignore[union-attr]  # one tensor
            self._promote(node)
        node.args, node.kwargs = pytree.tree_map(_wide_dtype, (node.args, node.kwargs))
        self._retag(node)
        if not in_range:
            for part in _parts(node):
                if part in self._stands_for:
                    dtype = self._stands_for[part]
                    self._replace(part, self._wrapped(part, dtype, part.next), dtype)

    def _widen_results(self, node: torch.fx.Node) -> None:
        for part in _parts(node):
            if isinstance(value := part.meta["val"], torch.Tensor) and value.dtype in _SMALL:
                self._replace(part, self._cast(part, _WIDE, part.next), value.dtype)

    def _in_float(self, node: torch.fx.Node) -> None:
        """Let a call of one operand that gives back its elements have float32, which holds all small integers."""
        (operand,) = node.all_input_nodes[:1]
        dtype = self._stands_for[operand]
        node.replace_input_with(operand, self._cast(operand, torch.float32, node))
        node.meta["val"] = node.meta["val"].to(torch.float32)
        self._replace(node, self._cast(node, _WIDE, node.next), dtype)

    def _narrow_operand(self, node: torch.fx.Node, dtype: torch.dtype) -> bool:
        """Before an int64 loses its upper half in a cast; whether the result is in the range of ``dtype`` now."""
        operand = node.args[0]
        assert isinstance(operand, torch.fx.Node)
        source = self._dtype(operand)
        if source is torch.int64:
            node.replace_input_with(operand, self._wrapped(operand, dtype, node))
        return source in (torch.int64, torch.bool, dtype)

    def _promote(self, node: torch.fx.Node) -> None:
        """Bring numbers and scalar tensors into the range of the dtype that PyTorch brings the operands to."""
        dtype = lib.result_type(*(self._stand_in(value) for value in node.args if value is not None))
        if dtype not in _SMALL:
            return
        info = torch.iinfo(dtype)

        def narrow(value: Any) -> Any:
            if isinstance(value, int):
                return (value - info.min) % (info.max - info.min + 1) + info.min
            if not isinstance(value, torch.fx.Node) or not isinstance(value.meta["val"], torch.Tensor):
                return value
            return value if self._dtype(value) in (dtype, torch.bool) else self._wrapped(value, dtype, node)

        node.args = tuple(map(narrow, node.args))

    def _stand_in(self, value: Any) -> Any:
        example = value.meta["val"] if isinstance(value, torch.fx.Node) else value
        if not isinstance(example, torch.Tensor):
            return 1 if isinstance(example, (int, torch.SymInt)) else example
        return torch.empty((1,) * example.dim(), dtype=self._dtype(value), device="meta")

    def _dtype(self, node: torch.fx.Node) -> torch.dtype:
        """The dtype that a tensor has in PyTorch."""
        dtype: torch.dtype = self._stands_for.get(node, node.meta["val"].dtype)
        return dtype

    def _takes_small_integers(self, node: torch.fx.Node) -> bool:
        """Whether a call means the bits of its operand, or is one of an operator of others."""
        target = node.target
        if target is aten.view.dtype:
            source, result = self._dtype(node.args[0]), self._dtype(node)  # type: ignore[arg-type]  # a node
            return source.itemsize != result.itemsize or not {source, result} <= set(_SMALL)
        return isinstance(target, torch._ops.OpOverload) and target.namespace not in _OWN_NAMESPACES

    def _wrapped(self, node: torch.fx.Node, dtype: torch.dtype, before: torch.fx.Node) -> torch.fx.Node:
        """``node``, of any integer dtype, as int32 in the range of ``dtype``."""
        info = torch.iinfo(dtype)
        wrapped = node
        for overload, number in (
            (aten.sub.Tensor, info.min),
            (aten.remainder.Scalar, info.max - info.min + 1),
            (aten.add.Tensor, info.min),
        ):
            if number:
                with self._graph.inserting_before(before):
                    wrapped = self._graph.call_function(overload, (wrapped, number))
                wrapped.meta = dict(node.meta)
        if node.meta["val"].dtype is not _WIDE:
            wrapped = self._cast(wrapped, _WIDE, before)
        return wrapped

    def _cast(self, node: torch.fx.Node, dtype: torch.dtype, before: torch.fx.Node) -> torch.fx.Node:
        with self._graph.inserting_before(before):
            cast = self._graph.call_function(aten._to_copy.default, (node,), {"dtype": dtype})
        cast.meta = {**node.meta, "val": node.meta["val"].to(dtype)}
        return cast

    def _original(self, node: torch.fx.Node, before: torch.fx.Node) -> torch.fx.Node:
        """``node`` in the dtype that it stands for."""
        dtype = self._stands_for.get(node)
        if dtype is None:
            return node
        source = node.args[0] if packet(node) in _CASTS else None
        if isinstance(source, torch.fx.Node) and source.op == "placeholder" and source.meta["val"].dtype is dtype:
            return source
        return self._cast(node, dtype, before)

    def _retag(self, node: torch.fx.Node) -> None:
        for part in (node, *_parts(node)):
            value = part.meta.get("val")
            if isinstance(value, torch.Tensor) and value.dtype in _SMALL:
                self._stands_for[part] = value.dtype
            part.meta["val"] = pytree.tree_map_only(torch.Tensor, _wide_tensor, value)

    def _replace(self, node: torch.fx.Node, by: torch.fx.Node, dtype: torch.dtype) -> None:
        """Let the users of ``node`` have ``by``, which comes of it."""
        inserted = set()
        one: Any = by
        while one is not node:
            inserted.add(one)
            one = one.args[0]
        node.replace_all_uses_with(by, delete_user_cb=lambda user: user not in inserted)
        self._stands_for[by] = dtype


def _wide_dtype(value: Any) -> Any:
    return _WIDE if value in _SMALL else value


def _wide_tensor(value: torch.Tensor) -> torch.Tensor:
    return value.to(_WIDE) if value.dtype in _SMALL else value


def _parts(node: torch.fx.Node) -> list[torch.fx.Node]:
    """The node itself where it has one result, else those that pick its results."""
    return [node] if isinstance(node.meta.get("val"), torch.Tensor) else list(node.users)
