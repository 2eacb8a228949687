"""RNN, LSTM and GRU over the first steps of each sequence of a padded batch.

PyTorch has this for packed sequences alone, whose rows TensorRT has no tensor for: an operator of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch2trt import Context, converter, lib, trt
from torch2trt.lib import Tensor

from ._sequence import run_layers, shapes, why_not

#: which not every version of PyTorch makes of the annotations below
_SCHEMA: Final = (
    "(str mode, Tensor input, Tensor valid, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, "
    "float dropout, bool train, bool bidirectional) -> Tensor[]"
)


@torch.library.custom_op("torch2trt_transformer::recurrent", mutates_args=(), schema=_SCHEMA)
def recurrent(
    mode: str,
    input: torch.Tensor,
    valid: torch.Tensor,
    hx: Sequence[torch.Tensor],
    params: Sequence[torch.Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> list[torch.Tensor]:
    """A recurrent layer that stops, or begins when it runs backwards, at the last step of each sequence.

    Args:
        mode: ``lstm``, ``gru``, ``rnn_tanh`` or ``rnn_relu``.
        input: a padded batch (steps, batch, width), the longest sequence first.
        valid: bool (steps, batch), true in the first steps of each sequence, in one of each at least.
        hx: the initial states (layers * directions, batch, width).
        params: the flat list of ``torch.nn``.
        has_biases: whether biases are among them.
        num_layers: how many layers there are.
        dropout: the probability of dropout between layers.
        train: whether anything is dropped out.
        bidirectional: whether each layer also runs backwards.

    Returns:
        The outputs (steps, batch, directions * width), 0 after the end of a sequence, and the last states.
    """
    data, batch_sizes = torch._pack_padded_sequence(input, valid.sum(0).cpu(), False)
    states: Any = hx if mode == "lstm" else hx[0]
    options = (has_biases, num_layers, dropout, train, bidirectional)
    output, *last = getattr(torch, mode)(data, batch_sizes, states, params, *options)
    padded, _ = torch._pad_packed_sequence(output, batch_sizes, False, 0.0, input.shape[0])
    return [padded, *last]


@recurrent.register_fake
def _shapes(
    mode: str,
    input: torch.Tensor,
    valid: torch.Tensor,
    hx: Sequence[torch.Tensor],
    params: Sequence[torch.Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> list[torch.Tensor]:
    return shapes(input, hx, bidirectional)


@converter("torch2trt_transformer.recurrent.default", name="recurrent", rejects=why_not)
def _convert(
    ctx: Context,
    mode: str,
    input: Tensor,
    valid: Tensor,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> list[trt.ITensor]:
    mask = lib.unsqueeze(ctx, ctx.tensor(valid), [2])
    outputs, *last = run_layers(ctx, mode, input, hx, params, has_biases, num_layers, bidirectional, 0, mask)
    return [lib.where(ctx, mask, outputs, 0.0), *last]
