"""RNN, LSTM and GRU over packed sequences."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch2trt.testing import Case, b8, f32, i64
from torch2trt_ops_transformer.padded import recurrent

torch.manual_seed(0)
X, LENGTHS = f32(4, 3, 5), i64(3, low=1, high=5)
N = [{1: "n"}, {0: "n"}]
F32 = (torch.float32,)


class Packed(nn.Module):
    """A layer between packing and unpacking, with the steps first."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, lengths, h=None, c=None):
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        outputs, state = self.layer(packed, h if c is None else (h, c))
        return pad_packed_sequence(outputs, total_length=x.shape[0]), state


def row(name, layer, *states, **options):
    return Case("torch2trt_transformer.recurrent.default", Packed(layer), [X, LENGTHS, *states], name=name, **options)


CASES = [
    row("lstm", nn.LSTM(5, 3), dynamic=N),
    row(
        "lstm, projection, given state, no bias",
        nn.LSTM(5, 6, proj_size=3, bidirectional=True, bias=False),
        f32(2, 3, 3),
        f32(2, 3, 6),
        dtypes=F32,
    ),
    row("gru, bidirectional, given state", nn.GRU(5, 3, bidirectional=True), f32(2, 3, 3), dtypes=F32),
    row("rnn, tanh", nn.RNN(5, 3), dtypes=F32),
    row("rnn, relu, two layers", nn.RNN(5, 3, 2, nonlinearity="relu"), dtypes=F32),
    Case(
        "torch2trt_transformer.recurrent.default",
        lambda x, valid, h, *w: recurrent("gru", x, valid, [h], list(w), False, 1, 0.5, True, False),
        [X, b8(4, 3), f32(1, 3, 3), f32(9, 5), f32(9, 3)],
        name="dropout",
        rejects="dropout is active",
    ),
]
