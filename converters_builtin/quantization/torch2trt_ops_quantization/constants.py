"""Weights that a model computes of smaller constants: what it computes them of is what an engine keeps.

Models hold quantized weights as int8, float8 or packed numbers and compute ``(codes - zero) * scale`` of them, in as
many ways as there are libraries.  PyTorch would compute such a weight once, during the conversion, and the engine would
be as large as that of the float model.  So the captured graph is rewritten: where a weight of a product is larger than
the constants that it is made of, it becomes one call of ``torch2trt_quantization::dequantize``, whose operands are
computed during the conversion.  Its converter looks at their values: what no small dtype holds is a float constant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from .operators import dequantize  # registers the operator

aten: Final = torch.ops.aten
#: which arguments of products may be results of layers
_WEIGHTS: Final = {
    **dict.fromkeys(("mm", "bmm", "matmul"), (0, 1)),
    **dict.fromkeys(("addmm", "baddbmm"), (1, 2)),
    **dict.fromkeys(("linear", "convolution", "conv1d", "conv2d", "conv3d"), (1,)),
    "embedding": (0,),
}
#: operators whose result has the elements of their operand, maybe in another shape
_MOVES: Final = ("view", "_unsafe_view", "reshape", "permute", "unsqueeze", "squeeze", "clone", "alias")
_CASTS: Final = ("_to_copy", "convert_element_type")
#: whose differences wrap around
_WRAPPING: Final = (torch.uint8, torch.int8, torch.int16, torch.uint16)
_HALVES: Final = (torch.float16, torch.bfloat16)

Node = torch.fx.Node


def keep_small(graph_module: torch.fx.GraphModule) -> None:
    """Rewrite the graph so that weights that are made of smaller constants are dequantized by the engine."""
    made_of = _constants(graph_module.graph)
    smaller: dict[Node, Node] = {}
    for node in list(graph_module.graph.nodes):
        for place in _WEIGHTS.get(_packet(node), ()):
            weight = node.args[place]
            if isinstance(weight, Node) and _is_larger(weight, made_of.get(weight, frozenset())):
                if weight not in smaller:
                    smaller[weight] = _dequantized(weight)
                node.update_arg(place, smaller[weight])
    for node in reversed(made_of if smaller else ()):
        if node.op == "call_function" and not node.users:
            graph_module.graph.erase_node(node)


def _constants(graph: torch.fx.Graph) -> dict[Node, frozenset[Node]]:
    """Every value that is known during the conversion, and the constants of the model that it is computed of."""
    made_of: dict[Node, frozenset[Node]] = {}
    for node in graph.nodes:
        if node.op == "placeholder" and node.meta.get("constant"):
            made_of[node] = frozenset([node])
        elif node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
            operands, draws = node.all_input_nodes, torch.Tag.nondeterministic_seeded in node.target.tags
            if not draws and all(operand in made_of for operand in operands):
                made_of[node] = frozenset().union(*map(made_of.__getitem__, operands))
    return made_of


def _is_larger(weight: Node, sources: frozenset[Node]) -> bool:
    """Whether a weight takes more memory than what it is made of, some of which is no ordinary float."""
    values = [source.meta["val"] for source in sources]
    small = any(value.dtype.itemsize == 1 or not value.dtype.is_floating_point for value in values)
    return (
        small
        and weight.op == "call_function"
        and weight.target is not dequantize._opoverload
        and weight.meta["val"].is_floating_point()
        and weight.meta["val"].nbytes > sum(value.nbytes for value in values)
    )


def _dequantized(weight: Node) -> Node:
    """A call in the place of a weight: ``(codes - zero) * scale``, moved as the weight is."""
    moves, product = _moves(weight)
    codes, scale = _two(product, "mul", larger_first=True)
    # a difference that is rounded is no more than a number
    codes, zero = (codes, None) if codes.meta["val"].dtype in _HALVES else _two(codes, "sub")
    dtype, rounded = weight.meta["val"].dtype, product.meta["val"].dtype
    rounded, add = rounded if rounded in _HALVES else dtype, _adding(weight)

    def moved(value: Node | None) -> Node | None:
        if value is None or not moves:
            return value
        value = add(aten.expand.default, value, list(product.meta["val"].shape))
        for move in moves:
            # what is expanded has no view
            target = aten.reshape.default if _packet(move) in ("view", "_unsafe_view") else move.target
            value = add(target, value, *move.args[1:], **move.kwargs)
        return value

    result = add(dequantize._opoverload, moved(codes), moved(scale), moved(zero), rounded)
    return result if rounded is dtype else add(aten._to_copy.default, result, dtype=dtype)


def _moves(weight: Node) -> tuple[list[Node], Node]:
    """How a weight lies beside the product that it is of, the first move first, and that product.

    Casts between them are left out where the product is rounded no more than once.
    """
    moves: list[Node] = []
    product, halves = weight, {weight.meta["val"].dtype} & {*_HALVES}
    while (is_cast := _packet(product) in _CASTS) or _packet(product) in _MOVES:
        operand = product.args[0]
        assert isinstance(operand, Node)
        dtype = operand.meta["val"].dtype
        if dtype not in (torch.float32, *_HALVES) or len(halves | ({dtype} & {*_HALVES})) > 1:
            break
        halves |= {dtype} & {*_HALVES}
        if not is_cast:
            moves.insert(0, product)
        product = operand
    return moves, product


def _two(node: Node, name: str, larger_first: bool = False) -> tuple[Node, Node | None]:
    """The operands of a product or a difference of tensors; the node itself and None where it is none."""
    operands = node.args[:2]
    if _packet(node) != name or node.kwargs or not all(isinstance(operand, Node) for operand in operands):
        return node, None
    if node.meta["val"].dtype in _WRAPPING:
        return node, None
    first, second = operands
    assert isinstance(first, Node)
    assert isinstance(second, Node)
    swapped = larger_first and first.meta["val"].numel() < node.meta["val"].numel()
    return (second, first) if swapped else (first, second)


def _adding(weight: Node) -> Callable[..., Node]:
    """Adds calls after a weight, each with what is noted there."""
    place = weight.next

    def add(target: Any, *args: Any, **kwargs: Any) -> Node:
        with weight.graph.inserting_before(place):
            node = weight.graph.call_function(target, args, kwargs)
        values = [arg.meta["val"] if isinstance(arg, Node) else arg for arg in args]
        node.meta = {**weight.meta, "val": target(*values, **kwargs)}
        return node

    return add


def _packet(node: Node) -> str:
    """``mul`` of ``aten.mul.Tensor``; empty for what is no call of an operator of PyTorch."""
    target = node.target
    known = isinstance(target, torch._ops.OpOverload) and target.namespace in ("aten", "prims")
    return str(target.overloadpacket.__name__) if known else ""  # type: ignore[union-attr]  # an overload
