"""TensorRT's dimension expressions, computed for numbers at once.

The binding makes no ``IExprBuilder`` and no ``IDimensionExpr`` outside of full TensorRT's networks, so this stands for
both: it has the methods of the one, takes TensorRT's own ``DimensionOperation``, and refuses what cannot be a size.
"""

from dataclasses import dataclass

from torch2trt import trt

_D = trt.DimensionOperation
_OPERATIONS = {
    _D.SUM: lambda a, b: a + b,
    _D.SUB: lambda a, b: a - b,
    _D.PROD: lambda a, b: a * b,
    _D.MAX: max,
    _D.MIN: min,
    _D.FLOOR_DIV: lambda a, b: a // b,
    _D.CEIL_DIV: lambda a, b: -(-a // b),
}


@dataclass(frozen=True)
class Expression:
    """A size."""

    value: int


class Builder:
    """Computes what ``trt.IExprBuilder`` would build."""

    def __init__(self):
        self.operations = []

    def constant(self, value):
        assert type(value) is int
        return Expression(value)

    def operation(self, operation, first, second):
        assert isinstance(first, Expression)
        assert isinstance(second, Expression)
        # what TensorRT does with a negative quotient nobody says
        assert operation not in (_D.FLOOR_DIV, _D.CEIL_DIV) or first.value >= 0 < second.value
        self.operations.append(operation)
        return Expression(_OPERATIONS[operation](first.value, second.value))


def dimensions(*sizes):
    """The expressions of one input's sizes."""
    return [Expression(size) for size in sizes]
