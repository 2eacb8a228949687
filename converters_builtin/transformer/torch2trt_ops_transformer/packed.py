"""Packed sequences: the rows that count of a padded batch, as a mask selects them.

A mask selects from ``(steps, batch, ...)`` exactly what PyTorch packs, in the same order, so that is what is traced,
and what is computed of a packed sequence's rows is computed of all rows like that of every other selection.  Recurrent
layers need to know which steps a sequence has: they become one operator, on the padded batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch2trt import CaptureError

from .padded import recurrent

#: where the sizes of a packed sequence's steps keep the mask that they come of
_VALID: Final = "_torch2trt_valid"


def rules() -> dict[Any, Callable[..., Any]]:
    """What is traced in place of PyTorch's own functions."""
    return {
        torch._pack_padded_sequence: _pack,
        torch._pad_packed_sequence: _pad,
        torch.as_tensor: _as_tensor,
        **{layer.forward: _run for layer in (nn.RNN, nn.LSTM, nn.GRU)},
    }


def _pack(input: torch.Tensor, lengths: torch.Tensor, batch_first: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first) -> (Tensor, Tensor)"""
    steps_first = input.transpose(0, 1) if batch_first else input
    valid = torch.arange(steps_first.shape[0], device=input.device)[:, None] < lengths.to(input.device)
    batch_sizes = valid.sum(1)[valid.any(1)].cpu()
    # a total length is compared with it
    torch._check(batch_sizes.shape[0] <= steps_first.shape[0])
    setattr(batch_sizes, _VALID, valid)
    return steps_first[valid], batch_sizes


def _as_tensor(data: Any, dtype: torch.dtype | None = None, device: Any = None) -> Any:
    """The lengths that a model gives as a list of sizes or of what it reads from a tensor, as ``tolist`` does."""
    if not isinstance(data, (list, tuple)) or not any(isinstance(number, torch.SymInt) for number in data):
        return NotImplemented
    return torch.stack([torch.full((), number, dtype=dtype, device=device) for number in data])


def _pad(
    data: torch.Tensor, batch_sizes: torch.Tensor, batch_first: bool, padding_value: float, total_length: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """_pad_packed_sequence(Tensor data, Tensor batch_sizes, bool batch_first, Scalar padding_value,
    int total_length) -> (Tensor, Tensor)
    """
    valid = _valid(batch_sizes)
    padded = _padded(data, valid, padding_value)
    sizes: list[Any] = [total_length, batch_sizes.shape[0]]
    # without a total length it is the longest; compared without a guard
    if all(isinstance(size, torch.SymInt) for size in sizes) and sizes[0].node.expr == sizes[1].node.expr:
        padded = padded[valid.any(1)]
    else:
        after = total_length - valid.shape[0]
        padded = nn.functional.pad(padded, [0, 0] * (padded.dim() - 1) + [0, after], value=padding_value)
    return padded.transpose(0, 1) if batch_first else padded, valid.sum(0).cpu()


def _run(layer: nn.RNNBase, input: Any, hx: Any = None) -> Any:
    """The ``forward`` of a recurrent layer."""
    if not isinstance(input, PackedSequence):
        return NotImplemented
    layer._update_flat_weights()
    data, batch_sizes, sorted_indices, unsorted_indices = input
    layer.check_input(data, batch_sizes)
    valid, is_lstm = _valid(batch_sizes), layer.mode == "LSTM"
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    widths = [layer.proj_size or layer.hidden_size, layer.hidden_size] if is_lstm else [layer.hidden_size]
    shapes: list[Any] = [(count, valid.shape[1], width) for width in widths]
    if hx is None:
        states = [data.new_zeros(shape) for shape in shapes]
    else:
        hx = layer.permute_hidden(hx, sorted_indices)
        states = list(hx) if is_lstm else [hx]
        for state, shape in zip(states, shapes, strict=True):
            layer.check_hidden_size(state, shape)
    options = (layer.bias, layer.num_layers, layer.dropout, layer.training, layer.bidirectional)
    weights: Any = layer._flat_weights
    output, *last = recurrent(layer.mode.lower(), _padded(data, valid, 0.0), valid, states, weights, *options)
    packed = PackedSequence(output[valid], batch_sizes, sorted_indices, unsorted_indices)
    final: Any = tuple(last) if is_lstm else last[0]
    return packed, layer.permute_hidden(final, unsorted_indices)


def _valid(batch_sizes: torch.Tensor) -> torch.Tensor:
    """Which steps the sequences have: bool (steps, batch)."""
    valid = getattr(batch_sizes, _VALID, None)
    if valid is None:
        raise CaptureError(
            "the batch_sizes of a packed sequence are none of pack_padded_sequence; pack the padded batch inside of "
            "the model, and give a PackedSequence that you make of another its batch_sizes as they are"
        )
    return valid  # type: ignore[no-any-return]  # which is set above


def _padded(data: torch.Tensor, valid: torch.Tensor, value: float) -> torch.Tensor:
    """The rows where they belong in a padded batch (steps, batch, ...)."""
    padded = data.new_full((*valid.shape, *data.shape[1:]), value)
    padded[valid] = data
    return padded
