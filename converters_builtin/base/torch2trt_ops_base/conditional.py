"""``torch.cond``: one of two branches runs, the other does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, Program, converter, lib, trt
from torch2trt.lib import Value


@converter("higher_order.cond")
def cond(ctx: Context, pred: Value, true_fn: Program, false_fn: Program, operands: Sequence[Any] = ()) -> list[Any]:
    """cond(Tensor or SymBool pred, true_fn, false_fn, operands) -> the results of one of the two functions

    A predicate that is a constant leaves one branch, which is converted as if it stood in the model itself.
    """
    if not lib.is_runtime(pred):
        return ctx.lower(true_fn if bool(pred) else false_fn, operands)
    conditional = ctx.network.add_if_conditional()
    conditional.set_condition(lib.reshape(ctx, pred, []) if lib.ndim_of(pred) else pred)
    # what enters a branch through a layer of the conditional is what TensorRT knows to belong to it; with a size it
    # cannot build the engine, and ends the process at times
    inside = [
        conditional.add_input(operand).get_output(0) if lib.is_runtime(operand) and not _is_size(example) else operand
        for operand, example in zip(operands, ctx.call.args[3] if operands else (), strict=True)
    ]
    branches = [ctx.lower(branch, inside) for branch in (true_fn, false_fn)]
    return [
        _chosen(ctx, conditional, inside, index, *values) for index, values in enumerate(zip(*branches, strict=True))
    ]


def _is_size(example: Any) -> bool:
    return not isinstance(example, torch.Tensor)


def _chosen(ctx: Context, conditional: trt.IIfConditional, inside: Sequence[Any], index: int, *values: Any) -> Any:
    """One result: that of the branch that ran."""
    example = ctx.call.results[index]
    if not isinstance(example, (torch.Tensor, torch.SymInt)):
        return example
    dtype = torch.int64 if isinstance(example, torch.SymInt) else None
    ends = []
    for value in values:
        tensor = ctx.tensor(value, dtype)
        own = lib.is_runtime(value) and all(tensor is not one for one in inside)
        # a layer of the branch's own, where it gives back what it got, or a constant
        ends.append(tensor if own else ctx.network.add_identity(tensor).get_output(0))
    return conditional.add_output(*ends).get_output(0)
