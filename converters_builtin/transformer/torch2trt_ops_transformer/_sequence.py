"""Running a recurrent cell over a sequence as a TensorRT loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Context, lib, trt
from torch2trt.lib import Tensor

from ._cells import Cell, Parameters, State, linear


def run_layers(
    ctx: Context,
    cell: Cell,
    input: Tensor,
    states: Sequence[Tensor],
    parameters: Sequence[Parameters],
    directions: int,
    axis: int,
    valid: trt.ITensor | None = None,
) -> list[trt.ITensor]:
    """What PyTorch's recurrent functions return: the outputs of the last layer, then each final state.

    Args:
        ctx: the context.
        cell: one step.
        input: a batch of sequences.
        states: the initial states, each (layers * directions, batch, width).
        parameters: for each layer and direction.
        directions: 2 where each layer also runs backwards.
        axis: the axis of the steps: 0, or 1 where the batch is first.
        valid: bool (steps, batch, 1), in which steps of a sequence there is something; without it in all. A state
            passes the others unchanged, and what they leave as outputs means nothing.
    """
    final: list[State] = []
    tensor = ctx.tensor(input)
    for layer in range(0, len(parameters), directions):
        outputs = []
        for index in range(layer, layer + directions):
            initial = [_select(ctx, state, index) for state in states]
            output, last = _run(ctx, cell, tensor, initial, parameters[index], axis, index > layer, valid)
            outputs.append(output)
            final.append(last)
        tensor = outputs[0] if directions == 1 else lib.cat(ctx, outputs, -1)
    return [tensor, *(_stack(ctx, tensors) for tensors in zip(*final, strict=True))]


def _run(
    ctx: Context,
    cell: Cell,
    input: trt.ITensor,
    initial: State,
    parameters: Parameters,
    axis: int,
    reverse: bool,
    valid: trt.ITensor | None,
) -> tuple[trt.ITensor, State]:
    """The outputs of one direction of one layer, and its last state."""
    # what depends on the input alone is one product for all steps, outside of the loop
    gates = linear(ctx, input, parameters.weight_ih, parameters.bias_ih)

    def step(state: Sequence[trt.ITensor], of_step: Sequence[trt.ITensor]) -> tuple[State, State]:
        following = cell(ctx, of_step[0], parameters, list(state))
        for is_valid in of_step[1:]:
            following = [lib.where(ctx, is_valid, new, old) for new, old in zip(following, state, strict=True)]
        return following, following[:1]

    last, (outputs,) = lib.scan(ctx, step, initial, [gates] if valid is None else [gates, valid], axis, reverse)
    return outputs, last


def _select(ctx: Context, state: Tensor, index: int) -> trt.ITensor:
    if isinstance(state, torch.Tensor):
        return ctx.tensor(state[index])
    return lib.squeeze(ctx, lib.narrow(ctx, state, 0, index, 1), [0])


def _stack(ctx: Context, tensors: Sequence[trt.ITensor]) -> trt.ITensor:
    return lib.cat(ctx, [lib.unsqueeze(ctx, tensor, [0]) for tensor in tensors], 0)
