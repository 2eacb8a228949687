"""Programs that are taken apart call by call compute what they did, and all others are traced again."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim
from torch2trt import convert, explain
from torch2trt.capture import rules

X = torch.linspace(-2, 2, 12).reshape(3, 4)


def chained(x):
    return (x * 2).relu_().add_(1).mul_(x)


def the_name_before(x):
    y = x + 1
    z = y.view(3, 4)
    y.mul_(3)
    return y - x, z


def nothing_but_copies(x):
    y = x.clone()
    return F.dropout(y, 0.5, False).relu_() + y


def half(x):
    return x.half().sin().float().add_(1)


def written_whole(x):
    y = torch.zeros(3, 4)
    y[:] = x
    return y.exp_()


def normalized(x):
    return F.batch_norm(x, torch.zeros(4), torch.ones(4), training=True)


def part_of_another(x):
    y = x * 2
    y[1:].zero_()
    return y


def view_of_it(x):
    y = x * 2
    z = y.t()
    y.add_(1)
    return z


def one_name_transposed(x):
    y = x + 1
    z = y.view_as(x)
    y.t_()
    return y * 2, z * 2


def statistics(x):
    mean, var = torch.zeros(4), torch.ones(4)
    F.batch_norm(x, mean, var, training=True)
    return mean + var


def into_narrower(x):
    return x.half().add_(x)


def input_itself(x):
    x.mul_(2)
    return x + 1


def returned_as_it_is(x):
    return F.dropout(x, 0.5, False), x + 1


def masked(x):
    return (x * (x > 0)).masked_fill_(x > 1, 0)


def with_its_size(x):
    return F.hardswish(x), x.shape[0]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.LayerNorm(4), nn.Hardswish(inplace=True))

    def forward(self, x):
        return self.layers(x).add_(x).softmax(-1)


BY_ITSELF = [chained, the_name_before, nothing_but_copies, half, written_whole, masked, with_its_size, Block()]
TRACED_AGAIN = [
    part_of_another,
    view_of_it,
    one_name_transposed,
    statistics,
    normalized,
    into_narrower,
    input_itself,
    returned_as_it_is,
]
#: their shapes are written in them
FIXED = [the_name_before, written_whole]


ROWS = [
    pytest.param(
        model, by_itself, dynamic, id=f"{getattr(model, '__name__', 'block')}-{'dynamic' if dynamic else 'static'}"
    )
    for models, by_itself in ((BY_ITSELF, True), (TRACED_AGAIN, False))
    for model in models
    for dynamic in ([False] if model in FIXED else [False, True])
]


@pytest.fixture
def found(monkeypatch):
    """What each attempt to take a program apart call by call gave."""
    given, original = [], rules.call_by_call

    def noted(*args):
        given.append(original(*args))
        return given[-1]

    monkeypatch.setattr(rules, "call_by_call", noted)
    return given


@pytest.mark.parametrize(("model", "by_itself", "dynamic"), ROWS)
def test_it_computes_what_the_model_does(model, by_itself, dynamic, found):
    shapes = [{0: Dim("n", max=5)}] if dynamic else None
    model = model.eval() if isinstance(model, nn.Module) else model
    module = convert(model, [X.clone()], dynamic_shapes=shapes, runtime="reference", build=False)
    assert all((program is not None) is by_itself for program in found)
    for x in (X, torch.cat((X, X[:2] - 1))) if shapes else (X,):
        given, expected = x.clone(), x.clone()
        with torch.no_grad():
            torch.testing.assert_close(module(given), model(expected))
        torch.testing.assert_close(given, expected)


def test_alike_calls_are_apart():
    """Calls that are traced once are two calls, each with values of its own."""
    plan = explain(lambda x: (F.hardswish(x), F.hardswish(x + 1)), [X])
    results = [result for planned in plan for result in planned.call.results]
    assert len({id(result) for result in results}) == len(results)
