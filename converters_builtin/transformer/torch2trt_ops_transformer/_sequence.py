"""Running a recurrent cell over a sequence as a TensorRT loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch2trt import Context, trt
from torch2trt.lib import concat, narrow, size, squeeze, unsqueeze

from ._cells import Cell, State, Weights, affine


def run_layers(
    ctx: Context, cell: Cell, input: Any, state: Sequence[Any], weights: Sequence[Weights], directions: int, axis: int
) -> list[trt.ITensor]:
    """What PyTorch's recurrent functions return: the outputs of the last layer, then each final state.

    Args:
        ctx: the context.
        cell: one step.
        input: a batch of sequences.
        state: the initial states, each (layers * directions, batch, width).
        weights: one for each layer and direction.
        directions: 2 where each layer also runs backwards.
        axis: the axis of the steps: 0, or 1 where the batch is first.
    """
    final: list[State] = []
    tensor = ctx.tensor(input)
    for layer in range(0, len(weights), directions):
        outputs = []
        for index in range(layer, layer + directions):
            initial = [_entry(ctx, part, index) for part in state]
            output, last = _run(ctx, cell, tensor, initial, weights[index], axis, reverse=index > layer)
            outputs.append(output)
            final.append(last)
        tensor = outputs[0] if directions == 1 else concat(ctx, outputs, -1)
    return [tensor, *(_stacked(ctx, parts) for parts in zip(*final, strict=True))]


def _run(
    ctx: Context, cell: Cell, input: trt.ITensor, initial: State, weights: Weights, axis: int, reverse: bool
) -> tuple[trt.ITensor, State]:
    """The outputs of one direction of one layer, and its last state."""
    # what depends on the input alone is one product for all steps, outside of the loop
    gates = affine(ctx, input, weights.input, weights.input_bias)
    length = ctx.tensor(size(ctx, input, axis), torch.int64)
    loop = ctx.network.add_loop()
    loop.add_trip_limit(ctx.tensor(length, torch.int32), trt.TripLimit.COUNT)
    step = loop.add_iterator(gates, axis, reverse).get_output(0)
    recurrences = [loop.add_recurrence(part) for part in initial]
    state = cell(ctx, step, weights, [recurrence.get_output(0) for recurrence in recurrences])
    for recurrence, part in zip(recurrences, state, strict=True):
        recurrence.set_input(1, part)
    kind = trt.LoopOutput.REVERSE if reverse else trt.LoopOutput.CONCATENATE
    outputs = loop.add_loop_output(state[0], kind, axis)
    outputs.set_input(1, length)
    last = [loop.add_loop_output(r.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0) for r in recurrences]
    return outputs.get_output(0), last


def _entry(ctx: Context, state: Any, index: int) -> trt.ITensor:
    if isinstance(state, torch.Tensor):
        return ctx.tensor(state[index])
    return squeeze(ctx, narrow(ctx, state, 0, index, 1), [0])


def _stacked(ctx: Context, parts: Sequence[trt.ITensor]) -> trt.ITensor:
    return concat(ctx, [unsqueeze(ctx, part, [0]) for part in parts], 0)
