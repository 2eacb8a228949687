"""Sizes at which PyTorch's operators take another way than the one that was traced.

A size that varies is traced as one that is neither 0 nor 1: ``squeeze`` keeps such a dimension, for example.  So the
calls are asked again for their results with the sizes at which something in the program becomes 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import sympy
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree

from ..program.guards import compiled
from .kept import OPERATOR, infer_alone
from .sources import source_of
from .variables import LOOKED_AT, Variable, dynamic_sizes, spelled

#: the sizes that PyTorch's operators treat in ways of their own
_SPECIAL: Final = (0, 1)

#: a size inside the program and one of the special values, as ``(expression, value)``
_Special = tuple[Any, int]
#: the value of each symbol
Point = dict[Any, int]


def differing_sizes(
    graph_module: torch.fx.GraphModule,
    variables: Mapping[Any, Variable],
    admits: Callable[[Point], bool],
) -> Iterator[tuple[str, str]]:
    """Conditions that exclude the sizes at which a call has other results than its trace, and the call's file:line.

    Args:
        graph_module: the program.
        variables: the sizes that vary.
        admits: whether the guards of the export admit sizes; for others nothing has to hold.
    """
    calls = [node for node in graph_module.graph.nodes if _depends(node, variables)]
    specials = {(size, value) for node in calls for size in _sizes_of(node) for value in _SPECIAL}
    for point in filter(admits, _points(specials, variables, admits)):
        with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            node = next((node for node in calls if _differs(node, point, variables)), None)
        if node is not None:
            own = [(size, value) for size in _sizes_of(node) for value in _SPECIAL if _value(size, point) == value]
            for size, value in own or [(symbol, at) for symbol, at in point.items()][:1]:
                yield f"{spelled(size, variables)} != {value}", source_of(node)


def _depends(node: torch.fx.Node, variables: Mapping[Any, Variable]) -> bool:
    """Whether a call is an operator whose results depend on nothing but the sizes of the inputs."""
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return False
    if any(used.op == "get_attr" for used in node.all_input_nodes):
        return False
    symbols = {symbol for size in _sizes_of(node) for symbol in size.free_symbols}
    values = pytree.tree_leaves([n.meta.get("val") for n in (*node.all_input_nodes, node)])
    numbers = [value.node.expr.free_symbols for value in values if isinstance(value, (torch.SymInt, torch.SymBool))]
    return bool(symbols) and symbols.union(*numbers) <= variables.keys()


def _sizes_of(node: torch.fx.Node) -> set[Any]:
    """The expressions of all dynamic sizes of the tensors that a call takes and gives."""
    values = pytree.tree_leaves([n.meta.get("val") for n in (*node.all_input_nodes, node)])
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    return {size.node.expr for tensor in tensors for _, size in dynamic_sizes(tensor)}


def _points(
    specials: Iterable[_Special], variables: Mapping[Any, Variable], admits: Callable[[Point], bool]
) -> list[Point]:
    """Sizes to look at: the smallest and the largest that lead to each special one, and all at their smallest."""
    usual = {symbol: variable.usual for symbol, variable in variables.items()}
    points = [{symbol: variable.low for symbol, variable in variables.items()}] if len(variables) > 1 else []
    for size, value in sorted(specials, key=str):
        if len(size.free_symbols) == 1:
            (symbol,) = size.free_symbols
            leading = ({**usual, symbol: at} for at in _leading_to(size, value, variables[symbol]))
            admitted = list(filter(admits, leading))
            points += admitted[:1] + admitted[-1:]
    return [dict(point) for point in dict.fromkeys(tuple(point.items()) for point in points)]


def _leading_to(size: Any, value: int, variable: Variable) -> list[int]:
    (symbol,) = size.free_symbols
    condition = compiled(f"{spelled(size, {symbol: variable.itself})} == {value}")
    return [at for at in range(variable.low, min(variable.high, variable.low + LOOKED_AT) + 1) if condition.holds(at)]


def _differs(node: torch.fx.Node, point: Point, variables: Mapping[Any, Variable]) -> bool:
    """Whether a call has other results at ``point`` than its trace says, and not at all sizes."""
    if _gives(node, point) == _traced(node, point):
        return False
    ordinary = {symbol: max(v.usual, min(v.high, 2)) for symbol, v in variables.items()}
    return ordinary == point or _gives(node, ordinary) == _traced(node, ordinary)


def _traced(node: torch.fx.Node, point: Point) -> Any:
    return [_described(_at(value, point)) for value in pytree.tree_leaves(node.meta["val"])]


def _gives(node: torch.fx.Node, point: Point) -> Any:
    def value(used: torch.fx.Node) -> Any:
        return pytree.tree_map(lambda leaf: _at(leaf, point), used.meta["val"])

    operator: Any = infer_alone if node.target is OPERATOR else node.target
    args, kwargs = torch.fx.map_arg((node.args, node.kwargs), value)
    try:
        result = operator(*args, **kwargs)
    except Exception:  # whatever PyTorch says against these sizes, eager says too
        return None
    return [_described(leaf) for leaf in pytree.tree_leaves(result)]


def _at(value: Any, point: Point) -> Any:
    """A tensor or size of the trace with the sizes of ``point``."""
    if isinstance(value, torch.Tensor):
        sizes, strides = [_value(size, point) for size in value.shape], [_stride(one, point) for one in value.stride()]
        if min(sizes, default=0) < 0:
            return value
        return torch.empty_strided(sizes, strides, dtype=value.dtype, device=value.device)
    if isinstance(value, torch.SymFloat):
        return value.node.hint  # no shape depends on it
    if isinstance(value, (torch.SymInt, torch.SymBool)):
        return _value(value, point)
    return value


def _value(size: Any, point: Point) -> Any:
    expression = getattr(getattr(size, "node", size), "expr", size)
    number = sympy.sympify(expression).xreplace({symbol: sympy.Integer(at) for symbol, at in point.items()})
    return bool(number) if number.is_Boolean else int(number)


def _stride(stride: Any, point: Point) -> int:
    """A stride at ``point``; as it was traced where it is a symbol of its own, on which no size depends.

    So is that of a dimension that has one element in an example which is part of another tensor.
    """
    is_own = isinstance(stride, torch.SymInt) and not stride.node.expr.free_symbols <= point.keys()
    return int(stride.node.hint if is_own else _value(stride, point))


def _described(value: Any) -> Any:
    return (tuple(value.shape), value.dtype) if isinstance(value, torch.Tensor) else value
