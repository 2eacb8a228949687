"""Running a recurrent cell over a sequence as a TensorRT loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch2trt import Context, lib, trt
from torch2trt.lib import Tensor

from ._cells import CELLS, Cell, Parameters, State, linear, split_parameters


def why_not(dropout: float, train: bool) -> str | None:
    """Why no recurrent layer of these arguments is converted."""
    return "dropout is active; call model.eval()" if train and dropout else None


def shapes(input: torch.Tensor, states: Sequence[torch.Tensor], bidirectional: bool) -> list[torch.Tensor]:
    """Tensors like the outputs of the last layer, then each final state."""
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    return [input.new_empty((*input.shape[:2], width)), *(state.new_empty(state.shape) for state in states)]


def run_layers(
    ctx: Context,
    name: str,
    input: Tensor,
    states: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    bidirectional: bool,
    axis: int,
    valid: trt.ITensor | None = None,
) -> list[trt.ITensor]:
    """What PyTorch's recurrent functions return: the outputs of the last layer, then each final state.

    Args:
        ctx: the context.
        name: that of PyTorch's function, such as ``lstm``.
        input: a batch of sequences.
        states: the initial states, each (layers * directions, batch, width).
        params: the flat list of ``torch.nn``.
        has_biases: whether biases are among them.
        num_layers: how many layers there are.
        bidirectional: whether each layer also runs backwards.
        axis: the axis of the steps: 0, or 1 where the batch is first.
        valid: bool (steps, batch, 1), in which steps of a sequence there is something; without it in all. A state
            passes the others unchanged, and what they leave as outputs means nothing.
    """
    directions = 2 if bidirectional else 1
    parameters = split_parameters(params, has_biases, num_layers * directions)
    final: list[State] = []
    tensor = ctx.tensor(input)
    for layer in range(0, len(parameters), directions):
        outputs = []
        for index in range(layer, layer + directions):
            initial = [_select(ctx, state, index) for state in states]
            output, last = _run(ctx, CELLS[name], tensor, initial, parameters[index], axis, index > layer, valid)
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
