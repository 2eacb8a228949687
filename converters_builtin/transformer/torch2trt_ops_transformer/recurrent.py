"""RNN, LSTM and GRU over whole sequences.

The targets are PyTorch's functions, which every module calls, beside the operators, which only a program that was
exported elsewhere has: PyTorch traces an operator by its Python loop over the steps and so fixes their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Tensor

from ._sequence import run_layers, shapes, why_not


def _is_packed(hx: torch.Tensor | Sequence[torch.Tensor]) -> bool:
    """Whether a call takes a packed sequence: its second argument is then the batch size of each step."""
    return isinstance(hx, torch.Tensor) and hx.dim() == 1


def _rejects(hx: torch.Tensor | Sequence[torch.Tensor], dropout: float, train: bool) -> str | None:
    if _is_packed(hx):
        return "a packed sequence has another batch size at each step; pad it instead"
    return why_not(dropout, train)


def _shape_rule(
    input: torch.Tensor,
    hx: torch.Tensor | Sequence[torch.Tensor],
    params: Sequence[torch.Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[torch.Tensor, ...] | None:
    """In place of PyTorch's loop, which would fix the number of steps."""
    if _is_packed(hx):
        return None
    return tuple(shapes(input, [hx] if isinstance(hx, torch.Tensor) else hx, bidirectional))


def _recurrent(name: str) -> Callable[..., list[trt.ITensor]]:
    @converter(f"aten.{name}.input", f"torch.{name}", name=name, rejects=_rejects, shape_rule=_shape_rule)
    def convert(
        ctx: Context,
        input: Tensor,
        hx: Tensor | Sequence[Tensor],
        params: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> list[trt.ITensor]:
        states = [hx] if lib.is_runtime(hx) or isinstance(hx, torch.Tensor) else hx
        axis = 1 if batch_first else 0
        return run_layers(ctx, name, input, states, params, has_biases, num_layers, bidirectional, axis)

    return convert


lstm, gru = _recurrent("lstm"), _recurrent("gru")
rnn_tanh, rnn_relu = _recurrent("rnn_tanh"), _recurrent("rnn_relu")
