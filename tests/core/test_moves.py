"""Views, permutations and copies of a program as few: the same values, in fewer calls."""

import collections
import random
from dataclasses import replace

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt.plan.fallback import all_in_torch
from torch2trt.plan.planned import plan_calls
from torch2trt.program.evaluate import evaluate
from torch2trt.tune.moves import with_few_moves

CPU = torch.device("cpu")


def both(model, *inputs):
    """The program as it is and with few moves, once that has been seen to compute the same as the model."""
    program = torch2trt.explain(model, list(inputs)).program
    few = with_few_moves(program)
    with torch.no_grad():
        expected = torch.utils._pytree.tree_leaves(model(*inputs))
        actual = evaluate(few, dict(zip(program.inputs, inputs, strict=True)), CPU)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other)
        assert one.shape == other.shape
    return program, few


def whole_numbers(*shape):
    """Small ones, with which float32 computes exactly."""
    return torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(0)).float()


def counted(program):
    return collections.Counter(call.target.name.split(".")[1] for call in program.calls)


def test_a_packed_projection_is_taken_apart_without_a_copy():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

        def forward(self, x):
            return self.attention(x, x, x, need_weights=False)[0] + x

    _, few = both(Attention().eval(), torch.randn(2, 5, 16))
    kept = {"linear": 2, "scaled_dot_product_attention": 1, "add": 1}
    assert counted(few) == {**kept, "view": 4, "select": 3, "permute": 4}
    assert few.calls[0].target.name == "aten.linear.default"  # of the input as it is


def test_a_constant_that_is_moved_has_the_layout_that_a_view_needs_no_more():
    class Bias(nn.Module):
        """The bias of a window's attention, by the places of two tokens."""

        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(whole_numbers(9, 3))
            self.register_buffer("index", torch.arange(16) % 9)

        def forward(self, x):
            bias = self.table[self.index].view(4, 4, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
            return x + bias.view(1, 6, 8)

    model = Bias().eval()
    plan = torch2trt.explain(model, [torch.randn(2, 6, 8)], build=False, runtime="reference")
    few = with_few_moves(plan.program)
    calls, segments = all_in_torch(few, plan_calls(few, plan.packs, None), "", "torch")
    with pytest.warns(torch2trt.FallbackWarning, match="PyTorch runs all"):
        module = replace(plan, program=few, calls=calls, segments=segments).convert()
    x = torch.randn(2, 6, 8)
    with torch.no_grad():
        assert torch.equal(module(x), model(x))


class Chains(nn.Module):
    """Many chains of moves, drawn of a seed, with products and sums between them."""

    def __init__(self, seed, chains):
        super().__init__()
        self.seed, self.chains = seed, chains
        self.weights = nn.ParameterDict({str(n): nn.Parameter(whole_numbers(3, n)) for n in range(1, 200)})

    def forward(self, x):
        return [self.chain(x, random.Random(self.seed * 1000 + chain)) for chain in range(self.chains)]

    def chain(self, x, drawn):
        for _ in range(drawn.randrange(1, 9)):
            kind = drawn.choice(("reshape", "permute", "squeeze", "unsqueeze", "select", "clone", "linear", "add"))
            if kind == "reshape":
                x = x.reshape(grouped(list(x.shape), drawn))
            elif kind == "permute":
                x = x.permute(drawn.sample(range(x.dim()), x.dim()))
            elif kind == "squeeze":
                x = x.squeeze()
            elif kind == "unsqueeze" and x.dim() < 7:
                x = x.unsqueeze(drawn.randrange(x.dim() + 1))
            elif kind == "select" and x.dim() > 1:
                dim = drawn.randrange(x.dim())
                x = x.select(dim, drawn.randrange(x.shape[dim]))
            elif kind == "clone":
                x = x.clone(memory_format=torch.contiguous_format)
            elif kind == "linear" and x.dim() and x.shape[-1] < 200:
                x = nn.functional.linear(x, self.weights[str(x.shape[-1])])
            elif kind == "add":
                x = x + 1
        return x


def grouped(shape, drawn):
    """A shape of as many elements: some sizes taken apart, some neighbors put together."""
    factors = []
    for size in shape:
        for prime in (2, 3, 5):
            while size % prime == 0 and drawn.random() < 0.5:
                factors.append(prime)
                size //= prime
        factors.append(size)
    made = [factors[0]] if factors else []
    for factor in factors[1:]:
        if drawn.random() < 0.5:
            made[-1] *= factor
        else:
            made.append(factor)
    return made


@pytest.mark.parametrize("seed", range(4))
def test_chains_of_moves_compute_the_same(seed):
    x = whole_numbers(2, 3, 4, 5)
    before, few = both(Chains(seed, 30), x)
    assert len(few.calls) < len(before.calls)


def test_programs_of_dynamic_sizes_stay_as_they_are():
    class Model(nn.Module):
        def forward(self, x):
            return x.permute(1, 0, 2).reshape(4, -1).clone().t() + 1

    program = torch2trt.explain(Model().eval(), [torch2trt.Input(min=(2, 4, 3), opt=(3, 4, 3), max=(6, 4, 3))]).program
    assert [str(call) for call in with_few_moves(program).calls] == [str(call) for call in program.calls]


def test_what_is_returned_twice_and_an_input_itself():
    _, few = both(lambda x: (x.t().t(), x.view(6).view(2, 3), x.clone()), torch.randn(2, 3))
    assert few.calls == ()
