"""``torch.cond``: one of two branches runs, the other does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch2trt import Call, Context, Program, converter, lib, trt
from torch2trt.lib import Value

from .sizes import same_size


@converter("higher_order.cond")
def cond(ctx: Context, pred: Value, true_fn: Program, false_fn: Program, operands: Sequence[Any] = ()) -> list[Any]:
    """cond(Tensor or SymBool pred, true_fn, false_fn, operands) -> the results of one of the two functions

    A predicate that is a constant leaves one branch, which is converted as if it stood in the model itself.
    """
    if not lib.is_runtime(pred):
        return ctx.lower(true_fn if bool(pred) else false_fn, operands)
    condition = lib.reshape(ctx, pred, []) if lib.ndim_of(pred) else pred
    if _is_computed_both_ways(ctx.call, true_fn, false_fn):
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


def _is_computed_both_ways(call: Call, *branches: Program) -> bool:
    """Whether TensorRT for RTX 1.6.1 cannot build the conditional.

    It cannot where sizes are dynamic and there is another one in a branch, or a branch makes a tensor of a size that is
    only that of something outside, which ends the process.  A loop that runs while a condition holds is never run for
    nothing: it might not end.
    """
    called = [name for branch in branches for name in _called(branch)]
    if "higher_order.while_loop" in called or not _are_alike(*branches):
        return False
    operands = call.args[3] if len(call.args) > 3 else ()
    used = set[int]().union(*map(_used, branches))
    from_outside = any(_varies(operand) and index not in used for index, operand in enumerate(operands))
    nested = "higher_order.cond" in called and any(map(_varies, pytree.tree_leaves((operands, call.result))))
    return from_outside or nested


def _varies(value: Any) -> bool:
    """Whether a value is a dynamic size, or has one."""
    return isinstance(value, torch.SymInt) or any(
        isinstance(size, torch.SymInt) for size in getattr(value, "shape", ())
    )


def _used(branch: Program) -> set[int]:
    """Which inputs a branch uses for more than their sizes."""
    refs = {ref for call in branch.calls if call.target.name != "aten.sym_size.int" for ref in call.refs}
    refs |= {output for output in branch.outputs if hasattr(output, "kind")}
    names = {ref.name for ref in refs if ref.kind == "input"}
    return {index for index, name in enumerate(branch.inputs) if name in names}


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
