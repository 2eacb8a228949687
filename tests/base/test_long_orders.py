"""More elements in order than TensorRT's top-k gives at once: the same order as PyTorch's stable sort."""

import math

import pytest
import torch
import torch2trt
from torch.export import Dim
from torch2trt.testing.check import compare

LONG = 5000
N = Dim("n", min=2, max=LONG)
MIN, MAX = torch.iinfo(torch.int64).min, torch.iinfo(torch.int64).max


def numbers(*shape, dtype=torch.float32):
    """Many of them equal."""
    return torch.randint(-300, 300, shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def special(length=LONG):
    """With NaN, both infinities, both zeros and the largest numbers, all of them often."""
    largest = torch.finfo(torch.float32).max
    values = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, largest, -largest, largest * 0.75, 1.0])
    return values[numbers(length, dtype=torch.int64) % len(values)]


def extremes(length=LONG):
    """What int64 has at its ends, where nothing comes before or after."""
    values = torch.tensor([MIN, MIN + 1, MIN + 2, MAX, MAX - 1, 0])
    return values[numbers(length, dtype=torch.int64) % len(values)]


def converted(model, inputs, dynamic_shapes=None, **settings):
    settings = {"runtime": "reference", "build": False, **settings}
    return torch2trt.convert(model, inputs, dynamic_shapes=dynamic_shapes, **settings)


def check(model, *inputs):
    compare(converted(model, inputs)(*inputs), model(*inputs), 0, 0)


def both_ways(x, dim=-1):
    return x.sort(dim=dim, stable=True), x.sort(dim=dim, descending=True, stable=True)


@pytest.mark.parametrize("length", [3840, 3841, 5000, 10_000])
def test_sort(length):
    check(both_ways, numbers(2, length))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool])
def test_dtypes(dtype):
    check(both_ways, numbers(LONG).remainder(7).to(dtype))


@pytest.mark.parametrize("values", [special(), extremes()], ids=["floats", "int64"])
def test_special_numbers(values):
    check(both_ways, values)


def test_other_dimensions():
    check(lambda x: both_ways(x, 0), numbers(LONG, 3))
    check(lambda x: (x.argsort(dim=1, stable=True), torch.msort(x.flatten())), numbers(2, LONG, 2))


def test_topk():
    # which of equal elements PyTorch's top-k takes is not said; here none are equal
    x = torch.randperm(LONG, generator=torch.Generator().manual_seed(0)).float()
    check(lambda x: (x.topk(4000), x.topk(LONG, largest=False), x.topk(3)), x)


def test_kth():
    x = torch.randperm(10_001, generator=torch.Generator().manual_seed(0)).float()
    check(lambda x: (x.kthvalue(4000), x.kthvalue(10_001), x.median(), x.median(0)), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_dynamic_length(dtype):
    x = numbers(2, LONG, dtype=dtype)
    module = converted(both_ways, [x], ({1: N},))
    for length in (LONG, 4000, 3841, 3840, 2):
        compare(module(x[:, :length]), both_ways(x[:, :length]), 0, 0)


def test_dynamic_k():
    def half(x, y):
        return x.sort(stable=True)[0], y.topk(x.shape[0], largest=False)[0]

    x, y = numbers(LONG), special(LONG + 9)
    module = converted(half, [x, y], ({0: N}, None))
    for length in (LONG, 3841, 2):
        compare(module(x[:length], y), half(x[:length], y), 0, 0)


def test_dynamic_median():
    x = special(9000)
    module = converted(torch.median, [x], ({0: Dim("n", min=2, max=9000)},))
    for length in (9000, 8999, 2):
        compare(module(x[:length]), x[:length].median(), 0, 0)


def test_detections():
    """The best of many candidates, with their boxes and classes, as detectors keep them before suppression."""

    class Detections(torch.nn.Module):
        def forward(self, scores, boxes):
            best, classes = scores.max(-1)
            kept, places = best.topk(4500, dim=1)
            rows = places[..., None]
            return kept, boxes.gather(1, rows.expand(-1, -1, 4)), classes.gather(1, places), rows

    scores = torch.randperm(2 * 6000 * 3, generator=torch.Generator().manual_seed(0)).float().reshape(2, 6000, 3)
    inputs = [scores, torch.arange(2 * 6000 * 4.0).reshape(2, 6000, 4)]
    model = Detections()
    module = converted(model, inputs, ({1: (n := Dim("n", min=4500, max=8000))}, {1: n}))
    for count in (6000, 4500):
        some = [x[:, :count].contiguous() for x in inputs]
        compare(module(*some), model(*some), 0, 0)


def test_too_many():
    plan = torch2trt.explain(torch.msort, [torch.zeros(200_000)])
    (declined,) = plan.unsupported
    assert "at most 122880 elements are put in order, 3840 at a time; this asks for up to 200000" in str(
        declined.reasons
    )


def test_a_number_without_a_bound():
    def repeated(x, n):
        count = n.item()
        torch._check(count >= 1)
        return x.expand(count, 9).sort(0)

    plan = torch2trt.explain(repeated, [numbers(9), torch.tensor(2)])
    (declined,) = (planned for planned in plan.unsupported if planned.call.target.name == "aten.sort.default")
    assert "this asks for an unknown number of" in str(declined.reasons)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_networks_build(dtype):
    x = numbers(LONG, dtype=dtype)
    assert converted(both_ways, [x], build=True).serialized
    assert converted(both_ways, [x], ({0: N},), build=True).serialized
