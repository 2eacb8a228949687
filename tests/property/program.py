"""A random module written down: its own source is what it is built from, and what a failure prints."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch2trt import Input

from . import rows

#: a size by name: smallest, usual, largest
Sizes = Mapping[str, tuple[int, int, int]]


def assignments(sizes: Sizes) -> list[dict[str, int]]:
    """The sizes that a program runs at, the usual one first: both edges, the next beside the lower, and one mixed."""
    if not sizes:
        return [{}]
    low, usual, high = ({name: values[i] for name, values in sizes.items()} for i in range(3))
    beside = {name: min(values[0] + 1, values[2]) for name, values in sizes.items()}
    mixed = {name: values[-1 if i else 0] for i, (name, values) in enumerate(sizes.items())}
    unique: list[dict[str, int]] = []
    for one in (usual, low, beside, high, mixed):
        if one not in unique:
            unique.append(one)
    return unique


def environment() -> dict[str, Any]:
    """What the text of a program may name."""
    return {"torch": torch, "F": F, "row": rows.row, "given": rows.given_by_row, "sample": rows.sample}


@dataclass(frozen=True)
class Program:
    """A module and what it is called with, as statements of Python.

    Args:
        inputs: statements that make the inputs of sizes by name, such as ``x0 = ...``; a later one may use an earlier.
        body: the statements of ``forward``.
        result: the expression that it returns.
        rows: the key of each row that ``self.r0``, ``self.r1``, ... call, with the dtype of its parameters.
        sizes: the dynamic sizes.
        described: whether conversion is given :class:`Input` descriptions, not examples with dynamic dimensions.
    """

    inputs: tuple[str, ...]
    body: tuple[str, ...]
    result: str
    rows: tuple[tuple[str, torch.dtype], ...] = ()
    sizes: Sizes = field(default_factory=dict)
    described: bool = True

    @property
    def names(self) -> str:
        """The inputs' names, as arguments are written."""
        return ", ".join(statement.partition(" = ")[0] for statement in self.inputs)

    @property
    def source(self) -> str:
        """The module ``Model`` and the function ``arguments``."""
        calls = [
            f"        self.r{i} = row({key!r}, {dtype})  # {rows.described(key)}"
            for i, (key, dtype) in enumerate(self.rows)
        ]
        lines = [
            "class Model(torch.nn.Module):",
            *(["    def __init__(self):", "        super().__init__()", *calls, ""] if calls else []),
            f"    def forward(self, {self.names}):",
            *(f"        {line}" for line in (*self.body, f"return {self.result}")),
            "",
            f"def arguments({', '.join(self.sizes)}):",
            *(f"    {line}" for line in (*self.inputs, f"return ({self.names},)")),
        ]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        """The source, and how it is converted."""
        how = "Input(min=, opt=, max=)" if self.described else "examples and Dim.DYNAMIC"
        dynamic = ", ".join(f"{name} = {values}" for name, values in self.sizes.items())
        return f"\n{self.source}\n# {f'sizes (min, opt, max) {dynamic}, given by {how}' if dynamic else 'static'}\n"

    def build(self) -> tuple[torch.nn.Module, Callable[..., tuple[torch.Tensor, ...]]]:
        """The module and the function that makes its inputs."""
        name = f"<program {abs(hash(self.source)):x}>"
        # tracebacks and our own messages show the line
        linecache.cache[name] = (len(self.source), None, self.source.splitlines(keepends=True), name)
        space = environment()
        exec(compile(self.source, name, "exec"), space)
        return space["Model"]().eval(), space["arguments"]

    def conversion(self, arguments: Callable[..., Sequence[torch.Tensor]]) -> dict[str, Any]:
        """``inputs`` and ``dynamic_shapes`` for ``convert``."""
        if not self.sizes:
            return {"inputs": arguments()}
        low, usual, high = (arguments(**{n: v[i] for n, v in self.sizes.items()}) for i in range(3))
        shapes = [tuple(map(tuple, (a.shape, b.shape, c.shape))) for a, b, c in zip(low, usual, high, strict=True)]
        if self.described:
            return {
                "inputs": [
                    Input(min=a, opt=b, max=c, dtype=tensor.dtype)
                    for (a, b, c), tensor in zip(shapes, usual, strict=True)
                ]
            }
        dims = [
            {i: torch.export.Dim.DYNAMIC(min=a, max=c) for i, (a, c) in enumerate(zip(low, high, strict=True)) if a < c}
            for low, _, high in shapes
        ]
        # one entry: the parameters of forward are named
        return {"inputs": usual, "dynamic_shapes": tuple(dims)}
