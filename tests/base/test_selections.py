"""Rows that masks select, of which only something of a known size is used: no layer has a size that depends on data."""

import pytest
import torch
import torch.nn.functional as F
import torch2trt
from torch import nn
from torch2trt import UnsupportedError
from torch2trt.testing import parametrize

from .selections import CASES, HOSTILE

X, MASK = torch.randn(6, 4), torch.tensor([True, False, True, True, False, False])


@pytest.mark.filterwarnings("ignore:.*degrees of freedom", "ignore:index_reduce")
@parametrize(CASES, pack="base")
def test_selections(check):
    check()


@pytest.mark.parametrize(
    "model",
    [
        lambda x, m: x[m],
        lambda x, m: (x[m].mean(), m.nonzero()),
        lambda x, m: x[m].sort(0)[0].sum(),
        lambda x, m: x[m].max(0)[1],
        lambda x, m: (x[m] @ x[m].t()).sum(),
        lambda x, m: (x[m] + x[~m]).sum(),
        lambda x, m: (x[m][1:] - x[m][:-1]).sum(),
        lambda x, m: x[m].flip(0)[0],
        lambda x, m: x.index_put((m.flip(0),), x[m]),
    ],
    ids=[
        "returned",
        "places",
        "sorted",
        "place",
        "each with each",
        "two masks",
        "neighbors",
        "flipped",
        "another mask",
    ],
)
def test_what_needs_the_rows_themselves_is_refused_and_the_message_says_what_does_not(model):
    with pytest.raises(UnsupportedError, match=r"size depends on data; .* with the same mask, nor for torch.where"):
        torch2trt.convert(model, [X, MASK], build=False, runtime="reference")


def test_a_mask_that_is_constant_selects_by_index():
    plan = torch2trt.explain(lambda x: x[torch.tensor([True, False, True])].sum(0), [HOSTILE[:3]])
    assert [planned.call.target.name for planned in plan if planned.action == "convert"] == [
        "aten.index.Tensor",
        "aten.sum.dim_IntList",
    ]


class Convolution(nn.Module):
    """A graph convolution without the edges that are off, from a node to itself in any case."""

    def __init__(self, size):
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, x, edges, on):
        source, target = torch.cat([edges[:, on], torch.arange(len(x)).expand(2, -1)], 1)
        degree = torch.zeros(len(x)).scatter_add(0, target, torch.ones_like(target, dtype=torch.float32))
        weight = degree.rsqrt()[source] * degree.rsqrt()[target]
        return torch.zeros_like(x).index_add(0, target, self.linear(x)[source] * weight[:, None]).relu()


class Network(nn.Module):
    """Two convolutions, and the mean and the largest of the nodes that count."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Convolution(4), Convolution(4)

    def forward(self, x, edges, keep):
        on = (edges[0] != edges[1]) & keep[edges[0]] & keep[edges[1]]
        x = self.second(self.first(x, edges, on), edges, on)
        found = keep.nonzero().squeeze(1)
        return torch.cat([x[found].mean(0), x[found].amax(0)]), x[found].shape[0]


class Experts(nn.Module):
    """Each token goes to two of four experts, which look up theirs and add what they make of them."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(8, 4)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 8)) for _ in range(4))

    def forward(self, x):
        weights, chosen = self.gate(x).softmax(-1).topk(2)
        masks = F.one_hot(chosen, 4).permute(2, 1, 0)
        result = torch.zeros_like(x)
        for mask, expert in zip(masks, self.experts, strict=True):
            rank, token = torch.where(mask)
            result.index_add_(0, token, expert(x[token]) * weights[token, rank, None])
        return result


def test_a_mixture_of_experts():
    model, x = Experts().eval(), torch.randn(10, 8)
    shapes = ({0: torch.export.Dim("tokens", max=32)},)
    module = torch2trt.convert(model, [x], dynamic_shapes=shapes, runtime="reference")
    for count in (10, 32, 1):
        x = torch.randn(count, 8)
        torch.testing.assert_close(module(x), model(x))


def test_a_graph_network():
    model, inputs = Network().eval(), [X, torch.randint(0, 6, (2, 20)), MASK]
    count = torch.export.Dim("edges", max=64)
    module = torch2trt.convert(model, inputs, dynamic_shapes=(None, {1: count}, None), runtime="reference")
    for edges, keep in ((20, MASK), (33, ~MASK), (3, torch.ones(6, dtype=torch.bool))):
        given = [torch.randn(6, 4), torch.randint(0, 6, (2, edges)), keep]
        torch.testing.assert_close(module(*given), model(*given))
