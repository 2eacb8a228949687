"""Building a program statement by statement: every statement runs in eager, at every size, before it is kept."""

from __future__ import annotations

import contextlib
import math
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch2trt.testing import Sample

from . import program as written

#: the largest tensor that a statement may make
_LARGEST = 4096


class Builder:
    """A program in the making.

    Args:
        sizes: the dynamic sizes.
    """

    def __init__(self, sizes: written.Sizes) -> None:
        self.sizes = sizes
        self.inputs: list[str] = []
        self.body: list[str] = []
        self.rows: list[tuple[str, torch.dtype]] = []
        #: the expressions of all tensors that there are, the latest last
        self.pool: list[str] = []
        self._next = 0
        self._replay()

    def name(self) -> str:
        """A name for the next value."""
        self._next += 1
        return f"v{self._next - 1}"

    def value(self, expression: str) -> Any:
        """What an expression is, at the usual sizes."""
        return eval(expression, self._spaces[0])

    def shapes(self, expression: str) -> list[tuple[int, ...]]:
        """The shape of a tensor, at every size."""
        return [tuple(eval(expression, space).shape) for space in self._spaces]

    def dtype(self, expression: str) -> torch.dtype:
        """The dtype of a tensor."""
        return self.value(expression).dtype

    def give(self, expression: str) -> str:
        """A new input of the module."""
        name = f"x{len(self.inputs)}"
        self.inputs.append(f"{name} = {expression}")
        for space in self._spaces:
            exec(self.inputs[-1], space)
        return name

    def forget(self, count: int) -> None:
        """Take back all inputs but the first ``count``, which no statement uses."""
        unused = [f"x{i}" for i in range(count, len(self.inputs))]
        del self.inputs[count:]
        self.pool = [expression for expression in self.pool if expression not in unused]

    def call(self, key: str, dtype: torch.dtype, arguments: Sequence[str]) -> bool:
        """Call a row; whether eager can."""
        if (key, dtype) in self.rows:
            index = self.rows.index((key, dtype))
        else:
            index = len(self.rows)
            self.rows.append((key, dtype))
            for space in self._spaces:
                setattr(space["self"], f"r{index}", written.rows.row(key, dtype))
        kept = self.assign(f"self.r{index}({', '.join(arguments)})")
        if not kept and index == len(self.rows) - 1 and not any(f"self.r{index}(" in line for line in self.body):
            del self.rows[-1]
        return kept

    def assign(self, expression: str) -> bool:
        """A statement that gives a new value; whether eager can."""
        name = self.name()
        if not self.run(f"{name} = {expression}"):
            return False
        self.pool += self._tensors(name)
        return True

    def run(self, statement: str) -> bool:
        """Add a statement to the body, where eager runs it at every size without random numbers."""
        before = torch.get_rng_state()
        try:
            with _quiet(), Defined():
                for space in self._spaces:
                    exec(statement, space)
                kept = all(self._plain(space) for space in self._spaces)
        except Exception:  # whatever eager says, it is no statement for a test
            kept = False
        if not torch.equal(before, torch.get_rng_state()):
            torch.set_rng_state(before)
            kept = False
        if kept:
            self.body.append(statement)
        else:
            # what ran may have changed tensors
            self._replay()
        return kept

    def finish(self, result: str, *, described: bool) -> written.Program:
        """The program."""
        return written.Program(
            tuple(self.inputs), tuple(self.body), result, tuple(self.rows), dict(self.sizes), described
        )

    def fitted(self, expression: str, wanted: Sample, free: Sequence[int]) -> str | None:
        """The expression with the glue that makes it fit a sample; None where none does.

        Args:
            expression: of a tensor.
            wanted: shape, dtype and range.
            free: the dimensions that may have any size.
        """
        shapes = self.shapes(expression)
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes):
            return None
        moving = [i for i in range(rank) if len({shape[i] for shape in shapes}) > 1]
        fits = rank == len(wanted.shape) and all(
            i in free or (i not in moving and shapes[0][i] == size) for i, size in enumerate(wanted.shape)
        )
        if not fits:
            if len(moving) > 1:
                return None
            if moving and not free:
                expression = f"{expression}.sum({moving[0]})"
                moving, shapes = [], self.shapes(expression)
            if any(0 in shape for shape in shapes) and not moving:
                return None
            size = math.prod(size for i, size in enumerate(shapes[0]) if i not in moving)
            if not size:
                return None
            shaped = _along(expression, rank, size, wanted, moving[0], free[0]) if moving else None
            expression = shaped or _regrouped(expression, size, wanted)
        return _cast(expression, self.dtype(expression), wanted)

    def _replay(self) -> None:
        self._spaces = [written.environment() | sizes for sizes in written.assignments(self.sizes)]
        for space in self._spaces:
            space["self"] = types.SimpleNamespace()
            for index, (key, dtype) in enumerate(self.rows):
                setattr(space["self"], f"r{index}", written.rows.row(key, dtype))
        with _quiet():
            for space in self._spaces:
                for statement in (*self.inputs, *self.body):
                    exec(statement, space)

    def _tensors(self, name: str) -> list[str]:
        value = self.value(name)
        if isinstance(value, torch.Tensor):
            return [name]
        if isinstance(value, (tuple, list)):  # of which there may be fewer at another size
            fewest = min(len(space[name]) for space in self._spaces)
            return [f"{name}[{i}]" for i, item in enumerate(value[:fewest]) if isinstance(item, torch.Tensor)]
        return []

    def _plain(self, space: dict[str, Any]) -> bool:
        """Whether all tensors are of a size that is quickly tried, and none is a parameter."""
        tensors = [value for value in space.values() if isinstance(value, torch.Tensor)]
        return all(tensor.numel() <= _LARGEST and not tensor.requires_grad for tensor in tensors)


class Defined(TorchDispatchMode):
    """Refuses what no test can stand on.

    Casts that C leaves undefined, of floating numbers beyond the range of a whole dtype; and changes of expanded tensors,
    whose elements share memory, of which PyTorch's functional programs make other numbers than eager.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run it, where its result is defined."""
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.is_write and isinstance(value, torch.Tensor) and torch._debug_has_internal_overlap(value) == 1:
                raise RuntimeError("a change of elements that share memory")
        result = func(*args, **(kwargs or {}))
        first = args[0] if args else None
        source = args[1] if func._schema.name in ("aten::copy_", "aten::copy") else first
        to = result.dtype if isinstance(result, torch.Tensor) else None
        casts = isinstance(source, torch.Tensor) and source.dtype.is_floating_point and func._schema.name in _CASTS
        if casts and to is not None and not to.is_floating_point and to is not torch.bool:
            limits = torch.iinfo(to)
            if not ((source.double() > limits.min - 1.0) & (source.double() < limits.max + 1.0)).all():
                raise OverflowError(f"a number is beyond {to}")
        return result


#: operators that cast what they are given to the dtype of their result
_CASTS = {f"aten::{name}" for name in ("_to_copy", "copy_", "copy", "sum", "prod", "cumsum", "cumprod", "nansum", "to")}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        yield


def _along(expression: str, rank: int, size: int, wanted: Sample, moving: int, axis: int) -> str:
    """Keep the dimension whose size varies, and bring all others to the size that they should have."""
    rest = [size for i, size in enumerate(wanted.shape) if i != axis]
    count = math.prod(rest)
    text = f"{expression}.movedim({moving}, 0)" if moving else expression
    if rank != 2:
        text = f"{text}.flatten(1)" if rank > 1 else f"{text}[:, None]"
    if size < count:
        text = f"{text}.repeat(1, {-(-count // size)})"
    if max(size, -(-count // size) * size) > count:
        text = f"{text}[:, :{count}]"
    if len(rest) != 1:
        text = f"{text}.unflatten(1, {tuple(rest)})" if rest else f"{text}[:, 0]"
    return f"{text}.movedim(0, {axis})" if axis else text


def _regrouped(expression: str, size: int, wanted: Sample) -> str:
    """The first numbers of a tensor, again and again where there are too few."""
    count = math.prod(wanted.shape)
    text = f"{expression}.flatten()"
    if size < count:
        text = f"{text}.repeat({-(-count // size)})"
    return f"{text}[:{count}].reshape({wanted.shape})"


def _cast(text: str, dtype: torch.dtype, wanted: Sample) -> str:
    target = f"torch.{str(wanted.dtype).removeprefix('torch.')}"
    if dtype != wanted.dtype:
        to_fewer = dtype.is_floating_point and not wanted.dtype.is_floating_point
        text = f"({text} > 0)" if to_fewer or wanted.dtype is torch.bool else text
        text = text if wanted.dtype is torch.bool else f"{text}.to({target})"
    low, high = wanted.low, wanted.high
    if wanted.dtype is torch.bool or (wanted.dtype.is_floating_point and (low, high) == (-2, 2)):
        return text
    if wanted.dtype.is_floating_point:
        return f"{text}.clamp({low:g}, {high:g})"
    return f"({text}.remainder({int(high - low)}) + {int(low)})"
