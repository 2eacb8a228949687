"""PyTorch's loops over functions: ``while_loop``, ``scan``, ``associative_scan`` and ``map``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch2trt import Call, Context, ConversionError, Program, converter, lib, trt
from torch2trt.lib import Tensor

from .short_reductions import SHORT

#: with TensorRT for RTX 1.6.1, some of them have other elements in the place of theirs
_REDUCTIONS: Final = ("sum", "mean", "amax", "amin", "prod", "any", "all", "max", "min", "var", "std")
#: as many steps are no loop but stand in the network one after the other, where TensorRT fuses across them
UNROLLED: Final = 4


@converter("higher_order.while_loop")
def while_loop(
    ctx: Context,
    cond_fn: Program,
    body_fn: Program,
    carried_inputs: Sequence[Tensor],
    additional_inputs: Sequence[Any] = (),
) -> Sequence[Tensor]:
    """while_loop(cond_fn, body_fn, Tensor[] carried_inputs, additional_inputs) -> Tensor[]"""

    def condition(carried: Sequence[trt.ITensor]) -> trt.ITensor:
        (going,) = ctx.lower(cond_fn, [*carried, *additional_inputs])
        if not lib.is_runtime(going):
            raise ConversionError(f"the condition of the loop is {bool(going)} whatever the loop carries")
        return going

    return lib.while_loop(
        ctx, condition, lambda carried: ctx.lower(body_fn, [*carried, *additional_inputs]), carried_inputs
    )


def _why_not_repeated(combine_fn: Program, xs: Sequence[torch.Tensor]) -> str | None:
    length: int | torch.SymInt = xs[0].shape[0]
    if isinstance(length, int) or not any(map(_reduces_a_few, combine_fn.calls)):
        return None
    return (
        f"where the number of steps is dynamic, TensorRT is wrong about reductions over up to {SHORT} elements in a "
        "step; give it a static length, or reduce all steps at once behind the loop"
    )


def _reduces_a_few(call: Call) -> bool:
    """Whether a call reduces one dimension of few elements and leaves others."""
    if call.target.name.split(".")[1] not in _REDUCTIONS or not isinstance(call.args[0], torch.Tensor):
        return False
    shape: Sequence[int | torch.SymInt] = call.args[0].shape
    given = call.named_arguments().get("dim")
    dims = range(len(shape)) if given is None or given == [] else [given] if isinstance(given, int) else given
    size = shape[dims[0]] if len(shape) > len(dims) == 1 else 1
    return isinstance(size, int) and 1 < size <= SHORT


@converter("higher_order.scan", rejects=_why_not_repeated)
def scan(
    ctx: Context,
    combine_fn: Program,
    init: Sequence[Tensor],
    xs: Sequence[Tensor],
    additional_inputs: Sequence[Any] = (),
) -> list[Tensor]:
    """scan(combine_fn, Tensor[] init, Tensor[] xs, additional_inputs) -> Tensor[]

    Up to four steps are not a loop but stand in the network one after the other.
    """

    def step(states: Sequence[Tensor], slices: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        results = ctx.lower(combine_fn, [*states, *slices, *additional_inputs])
        return results[: len(init)], results[len(init) :]

    return _repeat(ctx, step, init, xs)


@converter("higher_order.map_impl")
def map_(
    ctx: Context, f: Program, xs: Sequence[Tensor], pos_args: Sequence[Any], mutated_arg_indices: str = ""
) -> list[Tensor]:
    """map_impl(f, Tensor[] xs, pos_args, *, str mutated_arg_indices="") -> Tensor[]"""
    return _repeat(ctx, lambda _, slices: ([], ctx.lower(f, [*slices, *pos_args])), [], xs)


@converter("higher_order.associative_scan")
def associative_scan(
    ctx: Context, combine_fn: Program, xs: Sequence[Tensor], additional_inputs: Sequence[Any] = ()
) -> list[Tensor]:
    """associative_scan(combine_fn, Tensor[] xs, additional_inputs) -> Tensor[]"""
    # the first element stands for itself: nothing is neutral to a function that nobody knows
    first = [_element(ctx, x, 0) for x in xs]

    def step(states: Sequence[Tensor], slices: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        started, *totals = states
        combined = ctx.lower(combine_fn, [*totals, *slices, *additional_inputs])
        following: list[Tensor] = [lib.where(ctx, started, *two) for two in zip(combined, slices, strict=True)]
        return [ctx.tensor(torch.tensor(True)), *following], following

    return _repeat(ctx, step, [torch.tensor(False), *first], xs)[1 + len(xs) :]


def _repeat(
    ctx: Context,
    step: Callable[[Sequence[Tensor], Sequence[Tensor]], tuple[list[Tensor], list[Tensor]]],
    states: Sequence[Tensor],
    xs: Sequence[Tensor],
) -> list[Tensor]:
    """The last states and the stacked outputs of a step for each element of ``xs``."""
    length = xs[0].shape[0]
    if not 0 < length <= UNROLLED:
        last, outputs = lib.scan(ctx, step, states, xs)
        return [*last, *outputs]
    every = []
    for index in range(length):
        states, outputs_of_step = step(states, [_element(ctx, x, index) for x in xs])
        every.append(outputs_of_step)
    rows = [[lib.unsqueeze(ctx, output, [0]) for output in outputs] for outputs in zip(*every, strict=True)]
    return [*states, *(lib.cat(ctx, row, 0) for row in rows)]


def _element(ctx: Context, input: Tensor, index: int) -> Tensor:
    if isinstance(input, torch.Tensor):
        return input[index]
    return lib.squeeze(ctx, lib.narrow(ctx, input, 0, index, 1), [0])
