"""Verbs that repeat a step as a TensorRT loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .._trt import trt
from ..network.context import Context
from .dims import size
from .shape import reshape
from .values import Value, ndim_of

Tensors = Sequence[Value]


def scan(
    ctx: Context,
    step: Callable[[Sequence[trt.ITensor], Sequence[trt.ITensor]], tuple[Tensors, Tensors]],
    states: Tensors,
    inputs: Tensors,
    axis: int = 0,
    reverse: bool = False,
) -> tuple[list[trt.ITensor], list[trt.ITensor]]:
    """Go along an axis of ``inputs`` with states: the last states, and the outputs of all steps along that axis.

    Args:
        ctx: the context.
        step: of the states and one slice of each input, makes the next states, of the same shapes and dtypes, and the
            outputs of this step.
        states: the first states.
        inputs: one or more tensors of one size along the axis.
        axis: where the steps are, in the inputs and in the outputs.
        reverse: whether the last slice comes first; the outputs stay where their slices are.
    """
    tensors = [ctx.tensor(input) for input in inputs]
    length = ctx.tensor(size(ctx, tensors[0], axis), torch.int64)
    loop = ctx.network.add_loop()
    loop.add_trip_limit(ctx.tensor(length, torch.int32), trt.TripLimit.COUNT)
    slices = [loop.add_iterator(tensor, axis, reverse).get_output(0) for tensor in tensors]
    recurrences = [loop.add_recurrence(ctx.tensor(state)) for state in states]
    following, outputs = step([recurrence.get_output(0) for recurrence in recurrences], slices)
    kind = trt.LoopOutput.REVERSE if reverse else trt.LoopOutput.CONCATENATE
    every = [loop.add_loop_output(ctx.tensor(output), kind, axis) for output in outputs]
    for layer in every:
        layer.set_input(1, length)
    return _last(ctx, loop, recurrences, following), [layer.get_output(0) for layer in every]


def while_loop(
    ctx: Context,
    condition: Callable[[Sequence[trt.ITensor]], trt.ITensor],
    step: Callable[[Sequence[trt.ITensor]], Tensors],
    states: Tensors,
) -> list[trt.ITensor]:
    """The states after as many steps as the condition holds before.

    Args:
        ctx: the context.
        condition: of the states, a bool tensor of one element.
        step: of the states, makes the next ones, of the same shapes and dtypes.
        states: the first states.
    """
    loop = ctx.network.add_loop()
    recurrences = [loop.add_recurrence(ctx.tensor(state)) for state in states]
    carried = [recurrence.get_output(0) for recurrence in recurrences]
    going = condition(carried)
    loop.add_trip_limit(reshape(ctx, going, []) if ndim_of(going) else going, trt.TripLimit.WHILE)
    return _last(ctx, loop, recurrences, step(carried))


def _last(ctx: Context, loop: trt.ILoop, recurrences: Sequence[Any], following: Tensors) -> list[trt.ITensor]:
    for recurrence, state in zip(recurrences, following, strict=True):
        recurrence.set_input(1, ctx.tensor(state))
    return [loop.add_loop_output(r.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0) for r in recurrences]
