"""RNN, LSTM and GRU: every option of torch.nn, as functions, operators and cells."""

import torch
from torch import nn
from torch2trt.testing import Case, f32

torch.manual_seed(0)
HALVES = (torch.float32, torch.float16, torch.bfloat16)
S = {0: "s"}
SN = {0: "s", 1: "n"}
STATE = {1: "n"}
X = f32(5, 2, 4)
aten = torch.ops.aten


class WithState(nn.Module):
    """A recurrent layer that takes its states one by one."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, h, c=None):
        return self.layer(x, h if c is None else (h, c))


class AsOperator(nn.Module):
    """The call that a program exported elsewhere holds."""

    def __init__(self, overload, layer):
        super().__init__()
        self.overload, self.layer = overload, layer

    def forward(self, x, h, c=None):
        layer = self.layer
        hx = h if c is None else [h, c]
        options = (layer.bias, layer.num_layers, 0.0, False, layer.bidirectional, layer.batch_first)
        return self.overload(x, hx, layer._flat_weights, *options)


def lstm(name, layer, inputs=(X,), **options):
    return Case("torch.lstm", layer if len(inputs) == 1 else WithState(layer), inputs, name=name, **options)


def gru(name, layer, inputs=(X,), **options):
    return Case("torch.gru", layer if len(inputs) == 1 else WithState(layer), inputs, name=name, **options)


def cell(name, target, layer, inputs, **options):
    layer = layer if len(inputs) == 1 else WithState(layer)
    return Case(f"aten.{target}.default", layer, inputs, name=name, whole=False, **options)


CASES = [
    lstm("plain", nn.LSTM(4, 3), dynamic=SN, dtypes=HALVES),
    lstm("batch first", nn.LSTM(4, 3, batch_first=True), [f32(2, 5, 4)], dynamic={0: "n", 1: "s"}),
    lstm("no bias", nn.LSTM(4, 3, bias=False), dynamic=S),
    lstm("two layers", nn.LSTM(4, 3, 2), dynamic=S),
    lstm("bidirectional", nn.LSTM(4, 3, bidirectional=True), dynamic=S),
    lstm("bidirectional, batch first, two layers", nn.LSTM(4, 3, 2, True, True, 0.0, True), dynamic=SN),
    lstm("projection", nn.LSTM(4, 6, proj_size=3), dynamic=SN),
    lstm("projection, two layers, bidirectional", nn.LSTM(4, 6, 2, proj_size=3, bidirectional=True), dynamic=S),
    lstm("projection, no bias", nn.LSTM(4, 6, proj_size=3, bias=False), dynamic=S),
    lstm("inactive dropout", nn.LSTM(4, 3, 2, dropout=0.5), dynamic=S),
    lstm("one sequence", nn.LSTM(4, 3), [f32(5, 4)], dynamic=S),
    lstm("one step", nn.LSTM(4, 3), [f32(1, 2, 4)]),
    lstm("given state", nn.LSTM(4, 3), [X, f32(1, 2, 3), f32(1, 2, 3)], dynamic=[SN, STATE, STATE]),
    lstm(
        "given state, two layers, bidirectional",
        nn.LSTM(4, 3, 2, bidirectional=True),
        [X, f32(4, 2, 3), f32(4, 2, 3)],
        dynamic=[SN, STATE, STATE],
    ),
    lstm(
        "given state, projection",
        nn.LSTM(4, 6, proj_size=3),
        [X, f32(1, 2, 3), f32(1, 2, 6)],
        dynamic=[SN, STATE, STATE],
    ),
    lstm("given state, one sequence", nn.LSTM(4, 3), [f32(5, 4), f32(1, 3), f32(1, 3)], dynamic=[S, None, None]),
    gru("plain", nn.GRU(4, 3), dynamic=SN, dtypes=HALVES),
    gru("batch first", nn.GRU(4, 3, batch_first=True), [f32(2, 5, 4)], dynamic={1: "s"}),
    gru("no bias", nn.GRU(4, 3, bias=False), dynamic=S),
    gru("two layers, bidirectional", nn.GRU(4, 3, 2, bidirectional=True), dynamic=SN),
    gru("one sequence", nn.GRU(4, 3), [f32(5, 4)], dynamic=S),
    gru("given state", nn.GRU(4, 3, 2), [X, f32(2, 2, 3)], dynamic=[SN, STATE]),
    Case("torch.rnn_tanh", nn.RNN(4, 3), [X], dynamic=SN),
    Case("torch.rnn_tanh", nn.RNN(4, 3, 2, bidirectional=True), [X], dynamic=S, name="two layers, bidirectional"),
    Case("torch.rnn_tanh", WithState(nn.RNN(4, 3)), [X, f32(1, 2, 3)], dynamic=[SN, STATE], name="given state"),
    Case("torch.rnn_relu", nn.RNN(4, 3, nonlinearity="relu"), [X], dynamic=SN),
    Case("torch.rnn_relu", nn.RNN(4, 3, nonlinearity="relu", bias=False), [X], dynamic=S, name="no bias"),
    # PyTorch traces the operators step by step, which fixes the number of steps
    Case(
        "aten.lstm.input",
        AsOperator(aten.lstm.input, nn.LSTM(4, 3, 2, bidirectional=True)),
        [X, f32(4, 2, 3), f32(4, 2, 3)],
        dynamic=[STATE] * 3,
    ),
    Case("aten.gru.input", AsOperator(aten.gru.input, nn.GRU(4, 3)), [X, f32(1, 2, 3)], dynamic=[STATE] * 2),
    Case("aten.rnn_tanh.input", AsOperator(aten.rnn_tanh.input, nn.RNN(4, 3)), [X, f32(1, 2, 3)], dynamic=[STATE] * 2),
    Case(
        "aten.rnn_relu.input",
        AsOperator(aten.rnn_relu.input, nn.RNN(4, 3, nonlinearity="relu", batch_first=True)),
        [f32(2, 5, 4), f32(1, 2, 3)],
        dynamic=[{0: "n"}, STATE],
    ),
    Case(
        "aten.lstm.input",
        lambda x, h, c, *w: aten.lstm.input(x, [h, c], list(w), True, 1, 0.5, True, False, False),
        [X, f32(1, 2, 3), f32(1, 2, 3), f32(12, 4), f32(12, 3), f32(12), f32(12)],
        name="dropout",
        rejects="dropout is active",
    ),
    Case(
        "aten.lstm.input",
        lambda x, h, c, *w: aten.lstm.input(x, [h, c], list(w), True, 1, 0.0, False, False, False),
        [X, f32(1, 2, 3), f32(1, 2, 3), f32(12, 4), f32(12, 3), f32(12), f32(12)],
        name="weights of other tensors",
    ),
    cell("plain", "lstm_cell", nn.LSTMCell(4, 3), [f32(2, 4)], dynamic={0: "n"}),
    cell("given state", "lstm_cell", nn.LSTMCell(4, 3), [f32(2, 4), f32(2, 3), f32(2, 3)], dynamic=[{0: "n"}] * 3),
    cell("one step", "lstm_cell", nn.LSTMCell(4, 3), [f32(4), f32(3), f32(3)]),
    cell("plain", "gru_cell", nn.GRUCell(4, 3), [f32(2, 4)], dynamic={0: "n"}),
    cell("given state", "gru_cell", nn.GRUCell(4, 3), [f32(2, 4), f32(2, 3)], dynamic=[{0: "n"}] * 2),
    cell("no bias", "gru_cell", nn.GRUCell(4, 3, bias=False), [f32(2, 4), f32(2, 3)], dynamic=[{0: "n"}] * 2),
    cell("given state", "rnn_tanh_cell", nn.RNNCell(4, 3), [f32(2, 4), f32(2, 3)], dynamic=[{0: "n"}] * 2),
    cell(
        "given state",
        "rnn_relu_cell",
        nn.RNNCell(4, 3, nonlinearity="relu"),
        [f32(2, 4), f32(2, 3)],
        dynamic=[{0: "n"}] * 2,
    ),
]
