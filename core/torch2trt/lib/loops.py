"""Verbs that repeat a step as a TensorRT loop.

A tensor without dimensions goes in and out as one of one element: where sizes are dynamic, TensorRT for RTX 1.6.1
updates those once too often, once only or never.  What each step gives of one element is given twice: alone, some are
put where others belong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .._trt import trt
from ..network.context import Context
from .dims import size
from .shape import cat, narrow, reshape, unsqueeze
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
    slices = [_slices(ctx, loop, tensor, axis, reverse) for tensor in tensors]
    recurrences, carried = _recurrences(ctx, loop, states)
    following, outputs = step(carried, slices)
    kind = trt.LoopOutput.REVERSE if reverse else trt.LoopOutput.CONCATENATE
    every = [_stacked(ctx, loop, output, kind, axis, length) for output in outputs]
    return _last(ctx, loop, recurrences, carried, following), every


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
    recurrences, carried = _recurrences(ctx, loop, states)
    going = condition(carried)
    loop.add_trip_limit(_narrowed(ctx, going, 0), trt.TripLimit.WHILE)
    return _last(ctx, loop, recurrences, carried, step(carried))


def _widened(ctx: Context, value: Value) -> trt.ITensor:
    return ctx.tensor(value) if ndim_of(value) else reshape(ctx, value, [1])


def _narrowed(ctx: Context, tensor: trt.ITensor, ndim: int) -> trt.ITensor:
    return tensor if ndim else reshape(ctx, tensor, [])


def _slices(ctx: Context, loop: trt.ILoop, tensor: trt.ITensor, axis: int, reverse: bool) -> trt.ITensor:
    """The slice of each step."""
    if ndim_of(tensor) > 1:
        return loop.add_iterator(tensor, axis, reverse).get_output(0)
    return reshape(ctx, loop.add_iterator(unsqueeze(ctx, tensor, [1]), axis, reverse).get_output(0), [])


def _stacked(
    ctx: Context, loop: trt.ILoop, output: Value, kind: trt.LoopOutput, axis: int, length: trt.ITensor
) -> trt.ITensor:
    """The outputs of all steps along an axis."""
    tensor = ctx.tensor(output)
    alone = set(tensor.shape) <= {1}
    given = cat(ctx, [reshape(ctx, tensor, [1])] * 2, 0) if alone else tensor
    layer = loop.add_loop_output(given, kind, 0 if alone else axis)
    layer.set_input(1, length)
    every = layer.get_output(0)
    if not alone:
        return every
    return reshape(ctx, narrow(ctx, every, 1, 0, 1), [1] * axis + [-1] + [1] * (len(tensor.shape) - axis))


def _recurrences(ctx: Context, loop: trt.ILoop, states: Tensors) -> tuple[list[Any], list[trt.ITensor]]:
    """The layers that carry states from step to step, and the states in a step."""
    recurrences = [loop.add_recurrence(_widened(ctx, state)) for state in states]
    inside = [_narrowed(ctx, r.get_output(0), ndim_of(state)) for r, state in zip(recurrences, states, strict=True)]
    return recurrences, inside


def _last(
    ctx: Context, loop: trt.ILoop, recurrences: Sequence[Any], carried: Tensors, following: Tensors
) -> list[trt.ITensor]:
    """The states after the last step, which leaves the ``following`` ones of those that it has."""
    for recurrence, state in zip(recurrences, following, strict=True):
        recurrence.set_input(1, _widened(ctx, state))
    outputs = [loop.add_loop_output(r.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0) for r in recurrences]
    return [_narrowed(ctx, last, ndim_of(state)) for last, state in zip(outputs, carried, strict=True)]
