"""Arithmetic on dynamic sizes, which torch.export leaves in the graph as Python operators."""

from __future__ import annotations

from typing import Any

import torch
from torch2trt import Context, converter, trt
from torch2trt.lib import elementwise, size

from ._family import Converter

E = trt.ElementWiseOperation


@converter("aten.sym_size.int")
def sym_size(ctx: Context, input: trt.ITensor, dim: int) -> Any:
    """sym_size.int(Tensor self, int dim) -> SymInt"""
    return size(ctx, input, dim)


def _binary(target: str, op: trt.ElementWiseOperation) -> Converter:
    def convert(ctx: Context, first: Any, second: Any) -> trt.ITensor:
        return elementwise(ctx, op, first, second, torch.int64)

    convert.__name__ = convert.__qualname__ = target.rpartition(".")[2]
    convert.__doc__ = f"``{target}`` of two sizes."
    return converter(target)(convert)


add, sub, mul = _binary("operator.add", E.SUM), _binary("operator.sub", E.SUB), _binary("operator.mul", E.PROD)
floordiv = _binary("operator.floordiv", E.FLOOR_DIV)
largest, smallest = _binary("torch.sym_max", E.MAX), _binary("torch.sym_min", E.MIN)
