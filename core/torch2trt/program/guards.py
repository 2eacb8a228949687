"""Conditions on the sizes of inputs, under which a program computes what the model does."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..errors import EngineError, InputError

#: the size of an input: its name and the dimension
Size = tuple[str, int]

#: what conditions are made of; they come from files too, so nothing else is evaluated
_NODES: Final = (
    *(ast.Compare, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Constant, ast.Name, ast.Load, ast.Call),
    *(ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
)
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{f.__name__: f for f in (min, max, abs, int, float, bool)},
    **{f"math.{f.__name__}": f for f in (math.floor, math.ceil, math.trunc, math.sqrt)},
    "torch.sym_min": min,
    "torch.sym_max": max,
    "torch.sym_float": float,
    "torch._sym_sqrt": math.sqrt,
}
_LARGEST_EXPONENT: Final = 8
_LONGEST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition that the capture relied on, such as ``x.shape[2] % 4 != 0``."""

    #: an expression of Python in ``input.shape[dimension]``
    condition: str
    #: where the model decides by it, as ``file:line``; empty where that is not in the user's code
    source: str = ""
    #: False where the ranges of the inputs say as much already
    checked: bool = True

    def __str__(self) -> str:
        """The condition, and where it comes from."""
        return f"{self.condition} ({self.source})" if self.source else self.condition


@dataclass(frozen=True, slots=True)
class Condition:
    """A guard that can be asked."""

    #: the sizes that it asks for, in the order in which :attr:`holds` takes them
    sizes: tuple[Size, ...]
    holds: Callable[..., Any]


def compiled(condition: str) -> Condition:
    """A condition as a function of sizes.

    Raises:
        InputError: it is made of more than sizes, numbers and arithmetic.
    """
    try:
        if len(condition) > _LONGEST:
            raise ValueError(f"it has {len(condition)} characters")
        tree = ast.parse(condition, mode="eval")
        reader = _Sizes()
        body = reader.visit(tree.body)
        names = [f"_{index}" for index in range(len(reader.sizes))]
        _check(body, {*names, *(_variable(name) for name in _FUNCTIONS)})
        # nothing but numbers, arithmetic and the functions above is left: this cannot run code of a file
        code = f"lambda {', '.join(names)}: {ast.unparse(body)}"
        scope = {"__builtins__": {}, **{_variable(name): function for name, function in _FUNCTIONS.items()}}
        holds = eval(code, scope)
        return Condition(tuple(reader.sizes), _where_defined(holds) if _may_be_undefined(body) else holds)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"the condition {condition[:200]!r} on sizes cannot be checked: {error}") from error


def from_file(data: Sequence[Mapping[str, Any]]) -> tuple[Guard, ...]:
    """Guards as a file has them; :class:`EngineError` where one is more than arithmetic of sizes."""
    guards = tuple(Guard(**guard) for guard in data)
    for guard in guards:
        try:
            compiled(guard.condition)
        except InputError as error:
            raise EngineError(f"the saved module cannot be trusted: {error}") from error
    return guards


def compiled_all(conditions: Sequence[str], parameters: Sequence[str]) -> Callable[..., bool]:
    """All of ``conditions`` as one function of the shapes of the inputs ``parameters``, in that order."""
    places = [
        (condition.holds, [(parameters.index(name), dim) for name, dim in condition.sizes])
        for condition in map(compiled, conditions)
    ]

    def hold(shapes: Sequence[Sequence[int]]) -> bool:
        return all(holds(*[shapes[index][dim] for index, dim in sizes]) for holds, sizes in places)

    return hold


class _Sizes(ast.NodeTransformer):
    """Replaces each size by a variable, and each function by its name."""

    def __init__(self) -> None:
        self.sizes: list[Size] = []

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node:
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=ast.Constant(value=int(dim))
            ):
                if (name, dim) not in self.sizes:
                    self.sizes.append((name, dim))
                return ast.Name(f"_{self.sizes.index((name, dim))}", ast.Load())
        raise ValueError(f"{ast.unparse(node)} is not the size of an input")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = ast.unparse(node.func)
        if name not in _FUNCTIONS or node.keywords:
            raise ValueError(f"{name} is not known here")
        arguments: list[Any] = [self.visit(argument) for argument in node.args]
        return ast.Call(ast.Name(_variable(name), ast.Load()), arguments, [])


def _may_be_undefined(body: ast.AST) -> bool:
    """Whether it divides by sizes."""
    divisions = (node for node in ast.walk(body) if isinstance(node, ast.BinOp))
    return any(
        isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)) and not isinstance(node.right, ast.Constant)
        for node in divisions
    )


def _where_defined(holds: Callable[..., Any]) -> Callable[..., Any]:
    """The condition, which does not hold where it divides by zero: there the model was not traced."""

    def checked(*sizes: int) -> Any:
        try:
            return holds(*sizes)
        except ZeroDivisionError:
            return False

    return checked


def _variable(function: str) -> str:
    return function.replace(".", "_")


def _check(body: ast.AST, names: set[str]) -> None:
    for node in ast.walk(body):
        known = isinstance(node, _NODES)
        if isinstance(node, ast.Name):
            known = node.id in names
        elif isinstance(node, ast.Constant):
            known = type(node.value) in (int, float, bool)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            exponent = node.right.value if isinstance(node.right, ast.Constant) else None
            # of a power that is no tower, nothing grows without bounds
            plain = not any(isinstance(inner, ast.Pow) for inner in ast.walk(node.left))
            known = plain and isinstance(exponent, (int, float)) and 0 <= exponent <= _LARGEST_EXPONENT
        if not known:
            raise ValueError(f"{ast.unparse(node) or type(node).__name__} is not known here")
