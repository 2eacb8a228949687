"""Models with control flow: early exit and experts by torch.cond, selective scans, decoding by while_loop."""

import torch
import torch.nn.functional as F
from torch import nn
from torch._higher_order_ops import associative_scan, scan, while_loop
from torch2trt.testing import Case, f32, i64

torch.manual_seed(0)
SINGLE = (torch.float32,)


class EarlyExit(nn.Module):
    """A classifier whose second half runs only where the first is not sure."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.early = nn.Linear(4, 5)
        self.late = nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

    def forward(self, x, threshold):
        features = self.stem(x)
        first = self.early(features.mean((2, 3))).softmax(1)
        sure = first.amax(1).amin() > threshold
        return torch.cond(
            sure,
            lambda features, first: first.clone(),
            lambda features, _: self.late(features).softmax(1),
            (features, first),
        )


class Selective(nn.Module):
    """A layer like Mamba's: a state whose decay and input depend on each token, along a sequence of any length."""

    def __init__(self, parallel=False, width=4, states=3):
        super().__init__()
        self.parallel = parallel
        self.decay = nn.Parameter(torch.rand(width, states))
        self.skip = nn.Parameter(torch.ones(width))
        self.parameters_of_token = nn.Linear(width, 1 + 2 * states)
        self.step_bias = nn.Parameter(torch.zeros(width))
        self.conv = nn.Conv1d(width, width, 3, groups=width, padding=2)
        self.gate, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.states = states

    def forward(self, x):
        length = x.shape[1]
        tokens = F.silu(self.conv(x.mT)[..., :length].mT)
        step, inputs, outputs = self.parameters_of_token(tokens).split([1, self.states, self.states], -1)
        step = F.softplus(step + self.step_bias)
        factors = torch.exp(-step[..., None] * self.decay.exp())
        added = (step * tokens)[..., None] * inputs[..., None, :]
        states = self.running(factors, added)
        result = (states @ outputs[..., None]).squeeze(-1) + tokens * self.skip
        return self.out(result * F.silu(self.gate(x)))

    def running(self, factors, added):
        """``state = factor * state + added`` along dimension 1."""
        if self.parallel:

            def combine(first, second):
                return first[0] * second[0], first[1] * second[0] + second[1]

            return associative_scan(combine, (factors, added), 1, combine_mode="pointwise")[1]

        def step(state, token):
            state = token[0] * state + token[1]
            return state, state.clone()

        return scan(step, torch.zeros_like(added[:, 0]), (factors, added), dim=1)[1]


class Decoder(nn.Module):
    """Greedy decoding with a GRU cell until every sequence has ended or there is no more room."""

    def __init__(self, words=7, width=5, room=6, end=0):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(words, width), nn.GRUCell(width, width)
        self.head = nn.Linear(width, words)
        self.room, self.end = room, end

    def forward(self, token, memory):
        places = torch.arange(self.room)
        written = torch.full((token.shape[0], self.room), self.end)

        def going(step, token, hidden, written, ended):
            return (step < self.room) & ~ended.all()

        def body(step, token, hidden, written, ended):
            hidden = self.cell(self.embedding(token), hidden)
            token = torch.where(ended, self.end, self.head(hidden).argmax(1))
            written = torch.where(places == step, token[:, None], written)
            return step + 1, token, hidden, written, ended | (token == self.end)

        first = (torch.tensor(0), token, memory, written, token < 0)
        steps, _, hidden, written, _ = while_loop(going, body, first)
        return steps, written, hidden


N = {0: "n"}
NL = {0: "n", 1: "l"}
X = f32(2, 6, 4)

CASES = [
    Case(
        "higher_order.cond", EarlyExit(), [f32(2, 3, 6, 5), torch.tensor(0.9)], dynamic=N, name="early exit, not sure"
    ),
    Case("higher_order.cond", EarlyExit(), [f32(2, 3, 6, 5), torch.tensor(0.1)], dynamic=N, name="early exit, sure"),
    Case("higher_order.scan", Selective(), [X], dynamic={1: "l"}, dtypes=SINGLE, name="selective"),
    Case("higher_order.associative_scan", Selective(True), [X], dynamic=NL, name="selective"),
    Case("higher_order.while_loop", Decoder(), [i64(2, low=1, high=7), f32(2, 5)], dynamic=[N, N], name="decoder"),
]
