"""What torch.compile is given: models and functions with the calls that are made of them.

Each says how many graphs Dynamo takes out of it, and how many conversions that is.
"""

import collections
import copy
import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn

PROGRAMS = {}


@dataclasses.dataclass
class Program:
    """A program; ``make`` gives the model or function, ``calls`` the arguments of each call, new ones every time."""

    make: object
    calls: object
    graphs: int
    conversions: int
    #: for torch.compile
    compile: dict = dataclasses.field(default_factory=dict)
    #: what the backend says
    warns: str | None = None


def program(graphs=1, conversions=1, calls=None, warns=None, **compile):
    """Register a function, or a module that a function without arguments makes; it is called with one 4x3 tensor."""

    def register(made):
        is_model = isinstance(made, type)
        PROGRAMS[made.__name__] = Program(
            made if is_model else lambda: made,
            calls or (lambda: [[torch.randn(4, 3)]]),
            graphs,
            conversions,
            compile,
            warns,
        )
        return made

    return register


def rows(*sizes):
    return lambda: [[torch.randn(size, 3)] for size in sizes]


@program()
class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, x):
        return self.body(x)


@program(calls=lambda: [[torch.randn(2, 3, 8, 8)]])
class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)))
        return F.adaptive_avg_pool2d(x + self.second(x), 1).flatten(1)


@program(calls=lambda: [[torch.randn(2, 5, 8)]])
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.out(y.transpose(1, 2).flatten(2))


@program(calls=lambda: [[torch.randn(2, 5, 8)]])
class EncoderLayers(nn.Module):
    """Which PyTorch runs as one operator each in eval mode."""

    def __init__(self):
        super().__init__()
        self.first = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.second = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu")

    def forward(self, x):
        return self.second(self.first(x))


@program(calls=lambda: [[torch.randn(2, 5, 8)]])
class MultiheadAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0] + x


@program()
class Nested(nn.Module):
    class Inner(nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.layer, self.scale = nn.Linear(3, 3), scale

        def forward(self, x):
            return torch.tanh(self.layer(x)) * self.scale

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleDict({"a": self.Inner(2.0), "b": self.Inner(0.5)})

    def forward(self, x):
        for block in self.blocks.values():
            x = x + block(x)
        return x


@program()
class SharedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(3, 3))

    def forward(self, x):
        return torch.relu(x @ self.table) @ self.table.t()


# graph breaks


@program(graphs=3, conversions=3, calls=lambda: [[torch.ones(4, 3)], [-torch.ones(4, 3)]])
def break_on_data(x):
    y = torch.sin(x) * 2 + 1
    if y.sum() > 0:
        return torch.cos(y) * y + 3
    return torch.exp(-y) * y


@program(graphs=2, conversions=2)
def break_on_print(x):
    y = torch.sin(x) * x + 1
    print("between", end="")
    return torch.cos(y) * y + 1


@program(graphs=2, conversions=2)
def break_by_hand_with_views_that_live_on(x):
    y = torch.relu(x) + 1
    first, flat = y[0], y.view(-1)
    torch._dynamo.graph_break()
    y.mul_(2)
    return first, flat, y * 3


@program(graphs=2, conversions=1, warns="changes input 'l_row_' in place, and an input has memory in common")
def break_with_an_input_that_is_changed(x):
    row = x[1]
    x.add_(1)
    torch._dynamo.graph_break()
    row.mul_(3)
    return x * 2, row


@program(graphs=2, conversions=2)
class BreakInAModule(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.Linear(3, 5), nn.Linear(5, 3)

    def forward(self, x):
        h = torch.relu(self.before(x))
        scale = float(h.detach().numpy().mean())  # numpy of a tensor with the values of now
        torch._dynamo.graph_break()
        return self.after(h) + (1 if math.isfinite(scale) else 0)


@torch.compiler.disable
def in_python(x):
    return x.flip(0)


@program(graphs=2, conversions=2)
def break_at_a_disabled_function(x):
    return in_python(x.sin() * 2 + 1).cos() * 2 + 1


# sizes


@program(graphs=2, conversions=2, calls=rows(4, 5, 6, 7, 5))
def sizes_that_change(x):
    return torch.softmax(x * 2, 0) + x.shape[0]


@program(graphs=2, conversions=3, calls=rows(4, 5, 7, 8, 15, 16, 9))
def sizes_that_grow(x):
    return x.cumsum(0) * x.shape[0]


@program(graphs=1, conversions=2, calls=rows(4, 5, 6, 31, 2), dynamic=True)
def dynamic_from_the_first_call(x):  # up to 8 rows, up to 32
    return x.sum(0) * x.shape[0] + x.T.amax(1)


@program(graphs=3, conversions=3, calls=rows(4, 5, 6), dynamic=False)
def static_by_wish(x):
    return x * 2 + x.shape[0]


def marked():
    tensors = [torch.randn(size, 3) for size in (4, 5, 64, 2)]
    torch._dynamo.mark_dynamic(tensors[0], 0, min=2, max=64)
    return [[tensor] for tensor in tensors]


@program(graphs=1, conversions=1, calls=marked)
def dimensions_that_are_marked(x):
    return x.sin() @ x.T


@program(
    graphs=2, conversions=2, calls=lambda: [[torch.randn(n, m), torch.randn(m, n)] for n, m in [(4, 3), (5, 6), (6, 2)]]
)
def sizes_that_are_alike(x, y):
    return x @ y + x.shape[1], torch.cat([x, y.T])


@program(graphs=2, conversions=2, calls=rows(4, 1, 1))
def size_one_is_a_graph_of_its_own(x):
    return x.squeeze(0) * 2 + 1


@program(graphs=2, conversions=2, calls=rows(4, 6, 8, 6))
def sizes_that_are_computed(x):
    half = x.shape[0] // 2
    return x[:half] + x[half:], x.shape[0] * 2, half


# arguments


@program(calls=lambda: [[[torch.randn(2), torch.randn(2)], {"a": torch.randn(2), "b": (torch.randn(2), 3)}]])
def containers(tensors, named):
    return {"sum": tensors[0] + tensors[1], "rest": [named["a"] * named["b"][1], named["b"][0]]}


@program(calls=lambda: [([torch.randn(4)], {"scale": 2.0, "other": torch.randn(4)})])
def keywords(x, *, scale=1.0, other=None, missing=None):
    return x * scale + other if missing is None else missing


@program(graphs=2, conversions=2, calls=lambda: [[torch.randn(8), n] for n in (3, 5, 6, 2, 7)])
def numbers_that_change(x, n):
    return x * n + n, x[:n] * 2


@program(graphs=2, conversions=2, calls=lambda: [[torch.randn(3), value] for value in (0.5, 1.5, -2.0)])
def floats_that_change(x, value):
    return torch.sin(x * value) + 1


@program(graphs=2, conversions=2, calls=lambda: [[torch.randn(3), flag] for flag in (True, False, True)])
def flags(x, flag):
    return torch.sin(x) * 2 if flag else torch.cos(x) * 3


@program(graphs=2, conversions=2, calls=lambda: [[torch.randn(3)], [torch.randint(0, 9, (3,))]])
def dtypes_that_change(x):
    return x * 2 + x.abs().amax()


@program(calls=lambda: [[torch.randint(0, 9, (2, 5)), torch.randint(0, 4, (2,))]])
class Integers(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 4)

    def forward(self, ids, lengths):
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        return (self.table(ids) * mask[..., None]).sum(1), ids * 2


@program(calls=lambda: [[torch.randn(3, 3).double()]])
def casts_between_dtypes(x):
    return x.float().half().float() * 2, (x.float() > 0).long()


OUTSIDE = torch.arange(3.0)


def scaling(scale):
    return lambda x: x * scale


TIMES_FOUR = scaling(torch.tensor(4.0))


@program(calls=lambda: [[]])
def without_inputs():
    return torch.ones(3) * 2 + 1


@program()
def closures_and_globals(x):
    return TIMES_FOUR(x) + OUTSIDE


# results


@program()
def several_results_and_constants(x):
    y = x * 2 + 1
    return y, None, 3, "text", (y.sum(), [y.amax(0)]), y.shape


@dataclasses.dataclass
class Output:
    hidden: torch.Tensor
    pooled: torch.Tensor | None = None


class Mapping(collections.OrderedDict):
    """As the outputs of transformers are: a dict with attributes."""

    def __getattr__(self, name):
        return self[name]


@program()
class Dataclass(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        hidden = self.layer(x).tanh()
        return Output(hidden, hidden.mean(0))


@program()
def views_of_an_input(x):
    return x.view(-1), x[1:], x * 2, x


@program()
def views_of_a_result(x):
    y = x.sin() + 1
    return y, y.t(), y[0], y.unsqueeze(1)


@program()
def views_of_a_result_in_another_order(x):
    y = torch.empty_like(x.t()).copy_(x.t() + 1)
    z = torch.empty_strided((3, 4), (1, 3)).copy_(x.t() * 2)
    return z, z.t().view(-1), y


@program(conversions=0)
def nothing_but_views(x):
    return x.t(), x[0].unsqueeze(1)


@program()
def one_result_twice(x):
    y = x.exp() + 1
    return y, y


# memory and state


@program()
def changed_in_place(x):
    x += 1
    x[0] = 3
    x[:, 1].mul_(2)
    return x.relu_()


@program()
def changed_geometry(x):
    x.unsqueeze_(0)  # which Dynamo leaves to Python
    return x * 2 + 1


@program()
def written_as_out_and_read_again(x):
    y = torch.empty_like(x)
    torch.add(x, 1, out=y)
    x.mul_(3)
    return y.contiguous(), y, x.float()


@program(graphs=2, conversions=2, calls=rows(4, 5, 6))
def changed_in_place_at_any_size(x):
    return x.mul_(2).sum(0), x


@program(calls=lambda: [[torch.randn(4, 3)] for _ in range(3)])
class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        self.seen += x.sum(0)
        return self.layer(x) + self.seen


@program(calls=lambda: [[torch.randn(1, 3), torch.tensor([place])] for place in range(4)])
class Cache(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(6, 3))

    def forward(self, x, place):
        self.keys.index_copy_(0, place, x * 2)
        return torch.softmax(x @ self.keys.t(), -1) @ self.keys


@program(calls=lambda: [[torch.randn(4, 3)] for _ in range(3)])
class Statistics(nn.Module):
    """Batch norm in training mode, which writes its statistics without a sign of it in the graph."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        self.norm.train()
        return self.norm(x) * 2 + 1


@program(graphs=3, conversions=3, calls=lambda: [[torch.randn(3)] for _ in range(3)])
class PythonState(nn.Module):
    """A number of a module, which Dynamo takes for a constant."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return torch.sin(x) * self.calls + 1


# what an engine cannot do


@program()
def an_operator_that_nothing_converts(x):
    h = x @ x.t() + 4 * torch.eye(4)
    return torch.linalg.eigvalsh(h) * 2 + x.sum(1)


@program(calls=lambda: [[torch.tensor([1.0, -1.0, 2.0])], [torch.tensor([1.0, 1.0, 2.0])]], fullgraph=True)
def branches(x):
    return torch.cond(x.amin() > 0, lambda x: x + 1, lambda x: x * 3, (x,)) * 2


@program(fullgraph=True)
def autocast(x):
    with torch.autocast("cpu", torch.bfloat16):
        y = x @ x.t()
    return y.float() + 1


@program(fullgraph=True)
def gradients_turned_off_inside(x):
    with torch.no_grad():
        y = x.sin() * 2
    return y + 1


@program(graphs=3, conversions=3, fullgraph=True, calls=lambda: [[torch.randn(4, 3), n] for n in (2, 3, 4, 3)])
def control_by_numbers(x, count):
    for _ in range(count):
        x = torch.sin(x) * 2
    return x


def fresh(calls):
    """The arguments of every call, twice: for eager and for what was compiled."""
    made = [(call, {}) if isinstance(call, list) else call for call in calls()]
    return [(call, copy.deepcopy(call)) for call in made]
