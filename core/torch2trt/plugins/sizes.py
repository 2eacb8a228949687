"""The sizes of what an operator returns, as TensorRT computes them of the sizes of what it is given."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sympy
import torch
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, GuardOnDataDependentSymNode, ShapeEnv
from torch.utils import _pytree as pytree

from .._trt import trt
from ..errors import ConversionError
from .operator import Operator

#: a size: a constant, dimension ``(input, axis)`` of what is given, or an operation of TensorRT on two sizes
Size = int | tuple[int, int] | tuple[str, Any, Any]

#: functions of PyTorch's sizes with two arguments that TensorRT has
_OPERATIONS: Final = {"FloorDiv": "FLOOR_DIV", "CleanDiv": "FLOOR_DIV", "CeilDiv": "CEIL_DIV"}
_CHAINS: Final = {"Add": "SUM", "Mul": "PROD", "Max": "MAX", "Min": "MIN"}


@dataclass(frozen=True, slots=True)
class Outputs:
    """What an operator returns for tensors of some dtypes."""

    given: tuple[torch.dtype, ...]
    dtypes: tuple[torch.dtype, ...]
    #: for each result its sizes
    sizes: tuple[tuple[Size, ...], ...]


def outputs_of(operator: Operator, tensors: Sequence[torch.Tensor], attributes: Mapping[str, Any]) -> Outputs:
    """What the operator's fake kernel returns, with a size of its own for each size that varies.

    It decides by sizes as it did while the model was captured, since the sizes have the same examples: what it decided
    then, the module checks at every call.

    Args:
        operator: the operator.
        tensors: those of a captured call, whose sizes may be SymInts.
        attributes: the other arguments.

    Raises:
        ConversionError: the results are no tensors, or have sizes that TensorRT cannot compute of those of ``tensors``.
    """
    environment = ShapeEnv()
    places: dict[sympy.Symbol, tuple[int, int]] = {}
    with FakeTensorMode(shape_env=environment), torch.no_grad():
        fresh = []
        for index, tensor in enumerate(tensors):
            sizes = [_own(environment, places, (index, axis), size) for axis, size in enumerate(tensor.shape)]
            fresh.append(torch.empty(sizes, dtype=tensor.dtype, device=tensor.device))
        args, kwargs = operator.joined(fresh, attributes)
        try:
            results = pytree.tree_leaves(operator.overload(*args, **kwargs))
        except GuardOnDataDependentSymNode as error:
            raise ConversionError(f"its fake kernel decides by a size that depends on values ({error.cond})") from error
    if not all(isinstance(result, torch.Tensor) for result in results):
        raise ConversionError("it returns something else than tensors")
    sizes_of = tuple(tuple(_size_of(size, places) for size in result.shape) for result in results)
    return Outputs(tuple(tensor.dtype for tensor in tensors), tuple(result.dtype for result in results), sizes_of)


def expressed(size: Size, inputs: Sequence[Any], builder: Any) -> Any:
    """A size as TensorRT's dimension expression, of those of ``inputs``."""
    if isinstance(size, int):
        return builder.constant(size)
    if len(size) == 2:
        index, axis = size
        return inputs[index][axis]
    operation, first, second = size
    operands = expressed(first, inputs, builder), expressed(second, inputs, builder)
    return builder.operation(getattr(trt.DimensionOperation, operation), *operands)


def _own(environment: ShapeEnv, places: dict[Any, tuple[int, int]], place: tuple[int, int], size: Any) -> Any:
    """A size that is equal to no other, with the example of ``size``; a constant is itself."""
    if isinstance(size, int):
        return size
    example: int | None = size.node.hint
    if example is None:  # it depends on values, and nothing decides by it
        own = environment.create_unbacked_symint()
        places[own.node.expr] = place
        return own
    source = ConstantSource(f"input_{place[0]}_{place[1]}")
    symbol = environment.create_symbol(
        example, source=source, dynamic_dim=DimDynamic.DYNAMIC, do_not_specialize_zero_one=True
    )
    places[symbol] = place
    return environment.create_symintnode(symbol, hint=example, source=source)


def _size_of(size: Any, places: Mapping[Any, tuple[int, int]]) -> Size:
    expression = sympy.Integer(size) if isinstance(size, int) else size.node.expr
    if expression.free_symbols - places.keys():
        raise ConversionError(f"its size {expression} depends on values, not on the sizes of what it is given")
    return _tree(expression, places)


def _tree(expression: Any, places: Mapping[Any, tuple[int, int]]) -> Size:
    if expression.is_Integer:
        return int(expression)
    if expression in places:
        return places[expression]
    kind, args = type(expression).__name__, expression.args
    if kind == "Add":
        # TensorRT has no negative numbers of its own: what is subtracted comes last
        plus = [_tree(term, places) for term in args if not _is_negative(term)]
        minus = [_tree(-term, places) for term in args if _is_negative(term)]
        total: Size = functools.reduce(lambda a, b: ("SUM", a, b), plus) if plus else 0
        return functools.reduce(lambda a, b: ("SUB", a, b), minus, total)
    if kind == "Mul" and _is_negative(expression):
        return ("SUB", 0, _tree(-expression, places))
    if kind in _OPERATIONS and _is_negative(args[0]):  # rounded down, it is the other way up
        assert _OPERATIONS[kind] == "FLOOR_DIV"
        return ("SUB", 0, ("CEIL_DIV", _tree(-args[0], places), _tree(args[1], places)))
    if kind in _OPERATIONS:
        return (_OPERATIONS[kind], _tree(args[0], places), _tree(args[1], places))
    if kind in _CHAINS:
        return functools.reduce(lambda a, b: (_CHAINS[kind], a, b), [_tree(one, places) for one in args])
    if kind in ("Mod", "PythonMod"):
        return _remainder(_tree(args[0], places), _tree(args[1], places))
    if kind == "ModularIndexing":
        return _remainder(("FLOOR_DIV", _tree(args[0], places), _tree(args[1], places)), _tree(args[2], places))
    if kind in ("Pow", "PowByNatural") and args[1].is_Integer and args[1] > 0:
        return functools.reduce(lambda a, b: ("PROD", a, b), [_tree(args[0], places)] * int(args[1]))
    raise ConversionError(f"its size {expression} is made with {kind}, which a TensorRT plugin cannot compute")


def _remainder(number: Size, divisor: Size) -> Size:
    return ("SUB", number, ("PROD", ("FLOOR_DIV", number, divisor), divisor))


def _is_negative(expression: Any) -> bool:
    """Whether an expression begins with a minus."""
    return bool(expression.could_extract_minus_sign()) and (expression.is_Mul or expression.is_Integer)
