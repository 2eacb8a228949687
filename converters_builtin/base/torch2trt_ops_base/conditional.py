"""``torch.cond``: one of two branches runs, the other does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch2trt import Call, Context, Program, converter, lib, trt
from torch2trt.lib import Value

from .sizes import same_size


def _why_not_run(call: Call, true_fn: Program, false_fn: Program) -> str | None:
    """Why neither a conditional of TensorRT's nor computing both branches is right."""
    if not _has_dynamic_sizes(call) or _may_be_computed_both_ways(true_fn, false_fn):
        return None
    return (
        "TensorRT computes one of two branches wrongly where sizes are dynamic, and both cannot be computed, since "
        "their results differ in shape or a loop in one of them might not end; give these sizes as static ones"
    )


@converter("higher_order.cond", rejects=_why_not_run)
def cond(ctx: Context, pred: Value, true_fn: Program, false_fn: Program, operands: Sequence[Any] = ()) -> list[Any]:
    """cond(Tensor or SymBool pred, true_fn, false_fn, operands) -> the results of one of the two functions

    A predicate that is a constant leaves one branch, which is converted as if it stood in the model itself.  Where
    sizes are dynamic both branches are computed, and one is chosen: of a conditional of TensorRT for RTX 1.6.1, the
    first branch's result ends where that of the usual sizes does, matrix products and convolutions fail when they run,
    and some networks end the process that builds them.
    """
    if not lib.is_runtime(pred):
        return ctx.lower(true_fn if bool(pred) else false_fn, operands)
    condition = lib.reshape(ctx, pred, []) if lib.ndim_of(pred) else pred
    if _has_dynamic_sizes(ctx.call):
        both = zip(*(ctx.lower(branch, operands) for branch in (true_fn, false_fn)), strict=True)
        return [_selected(ctx, condition, index, *values) for index, values in enumerate(both)]
    conditional = ctx.network.add_if_conditional()
    conditional.set_condition(condition)
    # what enters a branch through a layer of the conditional is what TensorRT knows to belong to it
    inside = [conditional.add_input(o).get_output(0) if lib.is_runtime(o) else o for o in operands]
    branches = zip(*(ctx.lower(branch, inside) for branch in (true_fn, false_fn)), strict=True)
    return [_chosen(ctx, conditional, inside, index, *values) for index, values in enumerate(branches)]


def _chosen(ctx: Context, conditional: trt.IIfConditional, inside: Sequence[Any], index: int, *values: Any) -> Any:
    """One result: that of the branch that ran."""
    example = ctx.call.results[index]
    if not isinstance(example, (torch.Tensor, torch.SymInt)):
        return example
    ends = []
    for value in values:
        tensor = ctx.tensor(value, torch.int64 if isinstance(example, torch.SymInt) else None)
        own = lib.is_runtime(value) and all(tensor is not one for one in inside)
        # a layer of the branch's own, where it gives back what it got, or a constant
        ends.append(tensor if own else ctx.network.add_identity(tensor).get_output(0))
    return conditional.add_output(*ends).get_output(0)


def _selected(ctx: Context, condition: trt.ITensor, index: int, *values: Any) -> Any:
    """One result, of both that were computed."""
    example = ctx.call.results[index]
    if not isinstance(example, (torch.Tensor, torch.SymInt)):
        return example
    dtype = torch.int64 if isinstance(example, torch.SymInt) else example.dtype
    yes, no = (ctx.tensor(value, dtype) for value in values)
    return lib.where(ctx, condition, yes, no)


def _has_dynamic_sizes(call: Call) -> bool:
    operands = call.args[3] if len(call.args) > 3 else ()
    return any(map(_varies, pytree.tree_leaves((operands, call.result))))


def _may_be_computed_both_ways(*branches: Program) -> bool:
    """Whether one of both results can be chosen, and no branch might go on for ever with what the other one is for."""
    called = [name for branch in branches for name in _called(branch)]
    return "higher_order.while_loop" not in called and _are_alike(*branches)


def _varies(value: Any) -> bool:
    """Whether a value is a dynamic size, or has one."""
    return isinstance(value, torch.SymInt) or any(
        isinstance(size, torch.SymInt) for size in getattr(value, "shape", ())
    )


def _called(program: Program) -> Iterator[str]:
    """The targets of a program's calls, and of those of the programs that they run."""
    for call in program.calls:
        yield call.target.name
        for operand in pytree.tree_leaves(call.operands):
            if isinstance(operand, Program):
                yield from _called(operand)


def _are_alike(*branches: Program) -> bool:
    """Whether both branches return tensors of the same shapes."""
    both = zip(*([_shape(branch, output) for output in branch.outputs] for branch in branches), strict=True)
    return all(len(one) == len(other) and all(map(same_size, one, other)) for one, other in both)


def _shape(program: Program, output: Any) -> Sequence[int | torch.SymInt]:
    value = program.example_value(output) if hasattr(output, "kind") else output
    return tuple(value.shape) if isinstance(value, torch.Tensor) else ()
