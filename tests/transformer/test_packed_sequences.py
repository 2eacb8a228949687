"""Packed sequences, which no trace can hold: the reason, and that its cure gives the same."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch2trt import CaptureError, convert

LENGTHS = torch.tensor([6, 4, 1])


class Packed(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs, state = self.layer(packed)
        outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
        return outputs, (state[0] if isinstance(state, tuple) else state)[-1]


class Masked(Packed):
    """What the reason says to do instead."""

    def forward(self, x, lengths):
        outputs, _ = self.layer(x)
        valid = torch.arange(x.shape[1]) < lengths[:, None]
        last = (lengths - 1)[:, None, None].expand(-1, 1, outputs.shape[2])
        return outputs * valid[:, :, None], outputs.gather(1, last).squeeze(1)


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU])
def test_they_are_refused_with_a_cure_that_gives_the_same(layer):
    torch.manual_seed(0)
    layer, x = layer(4, 5, batch_first=True), torch.randn(3, 6, 4)
    with pytest.raises(CaptureError, match=r"packed sequences.*padded batch.*mask what it returns.*length - 1"):
        convert(Packed(layer).eval(), [x, LENGTHS], runtime="reference", build=False)
    module = convert(Masked(layer).eval(), [x, LENGTHS], runtime="reference", build=False)
    for lengths in (LENGTHS, torch.tensor([2, 6, 3])):
        torch.testing.assert_close(module(x, lengths), Packed(layer)(x, lengths))
