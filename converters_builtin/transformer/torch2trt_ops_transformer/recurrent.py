"""RNN, LSTM and GRU over whole sequences.

The targets are PyTorch's functions, which every module calls, beside the operators, which only a program that was
exported elsewhere has: PyTorch traces an operator by its Python loop over the steps and so fixes their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch2trt import Call, Context, converter, trt

from . import _cells
from ._sequence import run_layers


def _rejects(
    call: Call,
    input: Any,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: bool,
    batch_first: bool | None = None,
) -> str | None:
    if isinstance(hx, torch.Tensor) and hx.dim() == 1:
        return "a packed sequence has a batch of its own size at each step; pad it instead"
    return "dropout is active; call model.eval()" if train and dropout else None


def _fake(
    input: Any,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: bool,
    batch_first: bool | None = None,
) -> tuple[torch.Tensor, ...] | None:
    """New tensors of the results' shapes, where PyTorch would unroll its loop."""
    if batch_first is None:
        return None  # a packed sequence
    states = [hx] if isinstance(hx, torch.Tensor) else list(hx)
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    return input.new_empty((*input.shape[:2], width)), *(state.new_empty(state.shape) for state in states)


def _recurrent(name: str, cell: _cells.Cell) -> Callable[..., list[trt.ITensor]]:
    def convert(
        ctx: Context,
        input: Any,
        hx: Any,
        params: Sequence[Any],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> list[trt.ITensor]:
        states = hx if isinstance(hx, (list, tuple)) else [hx]
        directions = 2 if bidirectional else 1
        projected = len(states) == 2 and states[0].shape[-1] != states[1].shape[-1]
        weights = _cells.grouped(params, has_biases, num_layers * directions, projected)
        return run_layers(ctx, cell, input, states, weights, directions, axis=1 if batch_first else 0)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = str(getattr(torch.ops.aten, name).input._schema)
    return converter(f"aten.{name}.input", f"torch.{name}", rejects=_rejects, shape_rule=_fake)(convert)


lstm, gru = _recurrent("lstm", _cells.lstm), _recurrent("gru", _cells.gru)
rnn_tanh = _recurrent("rnn_tanh", _cells.plain(trt.ActivationType.TANH))
rnn_relu = _recurrent("rnn_relu", _cells.plain(trt.ActivationType.RELU))
