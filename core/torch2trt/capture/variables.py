"""Sizes that vary: the symbols of an export, in terms of the sizes of the inputs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sympy
import torch
from torch.utils._sympy.printers import PythonPrinter
from torch.utils._sympy.value_ranges import ValueRanges, bound_sympy

from ..dtypes import short_name
from ..errors import CaptureError, InputError
from ..program.guards import Guard, Size
from ..program.leaves import Leaf, OutputSpec, TensorSpec
from ..program.profiles import differing
from .dims import Asked

#: how many sizes of a range are looked at one by one
LOOKED_AT: Final = 4096


@dataclass(frozen=True, slots=True)
class Variable:
    """A size that varies."""

    #: in terms of the sizes of inputs, such as ``x.shape[1]``
    name: str
    #: the dimensions that have this very size
    places: tuple[Size, ...]
    low: int
    usual: int
    high: int
    #: what was asked for, as far as something was
    asked: Asked

    @property
    def itself(self) -> Variable:
        """The variable as if it were the size of an input."""
        return dataclasses.replace(self, name="itself.shape[0]")


def variables_of(
    sizes: Mapping[Size, torch.SymInt], asked: Mapping[str, Mapping[int, Asked]], constraints: Mapping[Any, Any]
) -> dict[Any, Variable]:
    """The variables that ``sizes`` depend on, by their symbols.

    Raises:
        CaptureError: one has no upper bound.
    """
    variables: dict[Any, Variable] = {}
    # those that are the size of a dimension first
    for place, size in sorted(sizes.items(), key=lambda item: not item[1].node.expr.is_Symbol):
        for symbol in size.node.expr.free_symbols - variables.keys():
            places = tuple(other for other, one in sizes.items() if one.node.expr == symbol)
            name, usual = _solved(place, size, symbol)
            said = _said([one for name, dim in places if (one := asked[name].get(dim)) is not None])
            low, high = _bounds(constraints.get(symbol), said)
            if high is None:
                raise CaptureError(
                    f"dimension {place[1]} of input {place[0]!r} has no upper bound, which a TensorRT profile needs; "
                    f"give one: torch.export.Dim('d{place[1]}', max=...) or Input(min=..., opt=..., max=...)"
                )
            usual = usual if said.usual is None else said.usual
            variables[symbol] = Variable(name, places, low, min(max(usual, low), high), high, said)
    return variables


def in_profile(variables: Mapping[Any, Variable], asked: Mapping[str, Mapping[int, Asked]]) -> dict[Any, Variable]:
    """The variables in one profile, of whose dimensions less is asked.

    Raises:
        InputError: the profile asks for no size that the program holds for.
    """
    narrowed = {}
    for symbol, variable in variables.items():
        said = _said([one for name, dim in variable.places if (one := asked[name].get(dim)) is not None])
        low = max(variable.low, variable.low if said.low is None else said.low)
        high = min(variable.high, variable.high if said.high is None else said.high)
        if low > high:
            raise InputError(
                f"a profile asks for {variable.name} from {said.low} to {said.high}, and the converted module takes "
                f"{variable.low} to {variable.high}; leave the profile out and convert the model for it by itself"
            )
        usual = variable.usual if said.usual is None else said.usual
        narrowed[symbol] = dataclasses.replace(variable, low=low, usual=min(max(usual, low), high), high=high)
    return narrowed


def dynamic_sizes(tensor: torch.Tensor) -> Iterator[tuple[int, torch.SymInt]]:
    """The dimensions of a FakeTensor whose sizes vary, with these."""
    sizes: Sequence[Any] = tensor.shape  # it is typed as if all were numbers
    return ((dim, size) for dim, size in enumerate(sizes) if isinstance(size, torch.SymInt))


def relations(sizes: Mapping[Size, torch.SymInt], variables: Mapping[Any, Variable]) -> Iterator[Guard]:
    """That the sizes which depend on one variable fit each other."""
    for place, size in sizes.items():
        expression = spelled(size.node.expr, variables)
        if expression != spelled_place(place):
            yield Guard(f"{spelled_place(place)} == {expression}")


def range_of(size: int | torch.SymInt, variables: Mapping[Any, Variable]) -> tuple[int, int, int]:
    """``(min, opt, max)`` of an input's size."""
    if isinstance(size, int):
        return (size, size, size)
    expression = size.node.expr
    bounds = bound_sympy(expression, {symbol: ValueRanges(v.low, v.high) for symbol, v in variables.items()})
    usual = expression.xreplace({symbol: sympy.Integer(v.usual) for symbol, v in variables.items()})
    return (int(bounds.lower), int(usual), int(bounds.upper))


def spec_of(
    node: torch.fx.Node, contiguous: bool, variables: Mapping[Any, Variable], profiles: Sequence[Mapping[Any, Variable]]
) -> TensorSpec:
    """The engine's input of a placeholder, whose sizes are made of ``variables``, and in each profile of its own."""
    tensor = node.meta["val"]
    ranges, *each = (tuple(range_of(size, known) for size in tensor.shape) for known in (variables, *profiles))
    dtype = short_name(node.meta.get("given", tensor.dtype))
    return TensorSpec(node.name, dtype, ranges, contiguous=contiguous, profiles=differing(ranges, each))


def output_spec_of(node: torch.fx.Node, leaf: Leaf, variables: Mapping[Any, Variable]) -> OutputSpec:
    """The engine's output of a node, as ``leaf`` gives it to users."""
    value = node.meta["val"]
    if not isinstance(value, torch.Tensor):  # a size
        return OutputSpec("int64", ())

    def spelt(size: Any) -> int | str:
        if isinstance(size, int):
            return size
        # what is read from values is no variable
        return spelled(size.node.expr, variables) if size.node.expr.free_symbols <= variables.keys() else ""

    return OutputSpec(leaf.dtype or short_name(value.dtype), tuple(map(spelt, value.shape)))


def spelled(expression: Any, variables: Mapping[Any, Variable]) -> str:
    """An expression of symbols as Python in the sizes of inputs."""
    text: str = PythonPrinter().doprint(expression)
    for symbol in expression.free_symbols:
        text = re.sub(rf"\b{symbol}\b", variables[symbol].name, text)
    return text


def spelled_place(place: Size) -> str:
    """``x.shape[1]``."""
    return f"{place[0]}.shape[{place[1]}]"


def _said(wanted: list[Asked]) -> Asked:
    """What was asked of several dimensions that have one size."""
    lows = [one.low for one in wanted if one.low is not None]
    usual = [one.usual for one in wanted if one.usual is not None]
    highs = [one.high for one in wanted if one.high is not None]
    return Asked(max(lows, default=None), next(iter(usual), None), min(highs, default=None))


def _bounds(limits: Any, said: Asked) -> tuple[int, int | None]:
    """The range that was asked for, as far as the export allows it.

    The lower bound of an export is that of guards too, which are not believed without a trial.
    """
    lower, upper = (limits.lower, limits.upper) if limits else (sympy.S.Zero, sympy.oo)
    low = said.low if said.low is not None else max(int(lower) if lower.is_Integer else 0, 1)
    highs = [high for high in (said.high, int(upper) if upper.is_Integer else None) if high is not None]
    return low, min(highs, default=None)


def _solved(place: Size, size: torch.SymInt, symbol: Any) -> tuple[str, int]:
    """A symbol in terms of a size that depends on it, and its usual value."""
    spelling, usual = spelled_place(place), int(size.node.hint or 0)
    if size.node.expr == symbol:
        return spelling, usual
    line = sympy.Poly(size.node.expr, symbol)
    if line.degree() != 1 or not (line.LC().is_Integer and line.nth(0).is_Integer):
        raise CaptureError(f"the size {spelling} is {size.node.expr} in the export; only multiples of a size can vary")
    factor, offset = int(line.LC()), int(line.nth(0))
    return f"(({spelling} - {offset}) // {factor})", (usual - offset) // factor
