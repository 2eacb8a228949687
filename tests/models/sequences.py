"""Sequences: a tagger, a decoder step, a speech recognizer."""

import torch
import torch.nn.functional as F
from torch import nn
from torch2trt.testing import Case, f32, i64

torch.manual_seed(0)


class Tagger(nn.Module):
    """A bidirectional LSTM over words."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 5, 2, batch_first=True, bidirectional=True, dropout=0.1)
        self.head = nn.Linear(10, 4)

    def forward(self, ids):
        states, (last, _) = self.lstm(self.embedding(ids))
        return F.log_softmax(self.head(states), -1), last


class Step(nn.Module):
    """One step of a GRU decoder that attends to the encoder's states."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.attention = nn.Linear(5, 5)
        self.gru = nn.GRU(11, 5)
        self.head = nn.Linear(10, 20)

    def forward(self, token, hidden, memory):
        weights = torch.bmm(memory, self.attention(hidden[-1])[:, :, None]).squeeze(2).softmax(1)
        read = torch.bmm(weights[:, None], memory).squeeze(1)
        output, hidden = self.gru(torch.cat((self.embedding(token), read), 1)[None], hidden)
        logits = self.head(torch.cat((output[0], read), 1))
        return logits.argmax(1), logits, hidden


class Cell(nn.Module):
    """A step written with an LSTMCell."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, x, hidden, cell):
        hidden, cell = self.cell(x, (hidden, cell))
        return torch.sigmoid(self.head(hidden)), hidden, cell


class Recognizer(nn.Module):
    """Convolutions over a spectrogram, a GRU, and CTC's log probabilities with the greedy labels."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(6, 8, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(8)
        self.gru = nn.GRU(8, 5, bidirectional=True)
        self.head = nn.Linear(10, 7)

    def forward(self, spectrum):
        x = F.relu(self.convolution(spectrum)).permute(2, 0, 1)
        states, _ = self.gru(self.norm(x))
        scores = F.log_softmax(self.head(states), 2)
        labels = scores.argmax(2)
        previous = F.pad(labels[:-1], (0, 0, 1, 0), value=-1)
        return scores, torch.where((labels != previous) & (labels != 0), labels, -1)


N = {0: "n"}

CASES = [
    Case("torch.lstm", Tagger(), [i64(2, 5, low=0, high=20)], dynamic={0: "n", 1: "l"}, name="tagger"),
    Case(
        "torch.gru",
        Step(),
        [i64(2, low=0, high=20), f32(1, 2, 5), f32(2, 4, 5)],
        dynamic=[N, {1: "n"}, {0: "n", 1: "s"}],
        dtypes=(torch.float32,),
        name="decoder step",
    ),
    Case(
        "aten.lstm_cell.default", Cell(), [f32(2, 4), f32(2, 5), f32(2, 5)], dynamic=[N] * 3, name="cell", whole=False
    ),
    Case(
        "torch.gru",
        Recognizer(),
        [f32(5, 6, 9)],
        dynamic={0: "n", 2: "t"},
        dynamic_min=5,
        dtypes=(torch.float32,),
        name="recognizer",
    ),
]
