"""Arithmetic on dynamic sizes, which torch.export leaves in the graph as Python operators."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence

import torch
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Size, Tensor, Value


def same_size(first: int | torch.SymInt, second: int | torch.SymInt) -> bool:
    """Whether two sizes of FakeTensors are equal for certain."""
    if isinstance(first, int) or isinstance(second, int):
        return isinstance(first, int) and isinstance(second, int) and first == second
    return bool(first.node.expr == second.node.expr)


def depends_on_values(*sizes: int | torch.SymInt | None) -> bool:
    """Whether one of these is known only when values of tensors are, as those of ``index.item()`` are."""
    return any(free_unbacked_symbols(size) for size in sizes if isinstance(size, torch.SymInt))


@converter("aten.sym_size.int")
def sym_size(ctx: Context, input: Tensor, dim: int) -> Size:
    """sym_size.int(Tensor self, int dim) -> SymInt"""
    if isinstance(input, torch.Tensor):  # what a constant mask selects of a constant
        return input.shape[dim]
    return lib.size(ctx, input, dim)


@converter("aten.sym_numel.default")
def sym_numel(ctx: Context, input: trt.ITensor) -> Size:
    """sym_numel(Tensor self) -> SymInt"""
    return lib.size_product(ctx, lib.sizes(ctx, input))


def _symbolic(target: str, emit: Callable[..., trt.ITensor]) -> Callable[..., Value]:
    """Layers where an argument is dynamic, else what Python says."""

    def convert(ctx: Context, *values: Value) -> Value:
        if any(map(lib.is_runtime, values)):
            return emit(ctx, *values)
        number: float = ctx.call.target.obj(*values)
        return number

    convert.__doc__ = f"``{target}`` of sizes."
    return converter(target, name=target.rpartition(".")[2])(convert)


def _dtype(ctx: Context) -> torch.dtype:
    """A size is an int64, a fraction of one a float32."""
    return torch.int64 if isinstance(ctx.call.result, torch.SymInt) else torch.float32


def _arithmetic(target: str, verb: Callable[..., trt.ITensor]) -> Callable[..., Value]:
    return _symbolic(target, lambda ctx, *values: verb(ctx, *values, dtype=_dtype(ctx)))


add, sub = _arithmetic("operator.add", lib.add), _arithmetic("operator.sub", lib.sub)
mul, pow_ = _arithmetic("operator.mul", lib.mul), _arithmetic("operator.pow", lib.pow)
truediv, floordiv = _arithmetic("operator.truediv", lib.div), _arithmetic("operator.floordiv", lib.floor_divide)
sym_max, sym_min = _arithmetic("torch.sym_max", lib.maximum), _arithmetic("torch.sym_min", lib.minimum)
sym_ite = _arithmetic("torch.sym_ite", lib.where)


def _remainder(ctx: Context, input: Value, other: Value, dtype: torch.dtype) -> trt.ITensor:
    quotient = lib.floor_divide(ctx, input, other, dtype)
    return lib.sub(ctx, input, lib.mul(ctx, quotient, other, dtype), dtype)


mod = _arithmetic("operator.mod", _remainder)
neg = _symbolic("operator.neg", lib.neg)


@converter("torch.sym_sum")
def sym_sum(ctx: Context, values: Sequence[Size]) -> Size:
    """``torch.sym_sum`` of several sizes."""
    return functools.reduce(functools.partial(lib.size_op, ctx, operator.add), values)


ceil = _symbolic("math.ceil", lambda ctx, value: ctx.tensor(lib.ceil(ctx, value, torch.float32), torch.int64))
floor = _symbolic("math.floor", lambda ctx, value: ctx.tensor(lib.floor(ctx, value, torch.float32), torch.int64))
# a cast truncates
trunc = _symbolic("math.trunc", lambda ctx, value: ctx.tensor(value, torch.int64))
sym_float = _symbolic("torch.sym_float", lambda ctx, value: ctx.tensor(value, torch.float32))

eq, ne = _symbolic("operator.eq", lib.eq), _symbolic("operator.ne", lib.ne)
lt, gt = _symbolic("operator.lt", lib.lt), _symbolic("operator.gt", lib.gt)
# sizes are never NaN, so the opposite of a strict comparison is right for fractions too
le = _symbolic("operator.le", lambda ctx, input, other: lib.logical_not(ctx, lib.gt(ctx, input, other)))
ge = _symbolic("operator.ge", lambda ctx, input, other: lib.logical_not(ctx, lib.lt(ctx, input, other)))

and_, or_ = _symbolic("operator.and_", lib.logical_and), _symbolic("operator.or_", lib.logical_or)
sym_not = _symbolic("torch.sym_not", lib.logical_not)
