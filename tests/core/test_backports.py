"""What is traced in place of PyTorch's own functions computes the same."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch2trt import convert
from torch2trt.capture import backports

torch.manual_seed(0)
X = torch.randn(5, 4, 3)
X[1, 2, 0] = X[2] = float("nan")
# no place that float32 and float64 round to different whole numbers
Q = torch.tensor([0.0, 0.3, 0.5, 0.7, 1.0])
WAYS = ("linear", "lower", "higher", "nearest", "midpoint")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("q", [Q, Q[1], 0.7])
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_quantiles(name, q, way):
    own, kernel = getattr(torch, name), getattr(backports, f"_{name}")
    for x in (X, X[0], X[0].double().float().nan_to_num()):
        for dim in (None, *range(x.dim()), -1):
            for keepdim in (False, True):
                expected = own(x, q, dim, keepdim, interpolation=way)
                actual = kernel(x, q, dim, keepdim, interpolation=way)
                torch.testing.assert_close(actual, expected, equal_nan=True)
    torch.testing.assert_close(kernel(X[0, 0, 0], q, 0, True), own(X[0, 0, 0], q, 0, True))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, torch.rand(4)])
def test_losses_of_probabilities(weight, smoothing, reduction):
    for shape in ((4,), (3, 4), (2, 4, 5)):
        x, target = torch.randn(shape), torch.rand(shape)
        expected = F.cross_entropy(x, target, weight, reduction=reduction, label_smoothing=smoothing)
        number = F._Reduction.get_enum(reduction)
        torch.testing.assert_close(backports._cross_entropy(x, target, weight, number, -100, smoothing), expected)
    classes = torch.tensor([0, 3, 1])
    torch.testing.assert_close(
        backports._cross_entropy(torch.ones(3, 4), classes, weight), F.cross_entropy(torch.ones(3, 4), classes, weight)
    )


def test_pools_of_every_size():
    module = convert(
        lambda x: F.max_pool2d(F.avg_pool2d(x, 3, 2, 1), 2, ceil_mode=True),
        [torch.rand(1, 2, 9, 9)],
        dynamic_shapes=({2: torch.export.Dim("h", max=16), 3: torch.export.Dim("w", max=16)},),
        build=False,
        runtime="reference",
    )
    assert not any(guard.checked for guard in module.signature.guards)


def test_numbers_that_are_tensors_as_places():
    def model(x, i):
        return x[i] + x[:, i] + x[..., None, i - 1] + x[torch.stack([i, i, i])]

    module = convert(model, [torch.rand(3, 3), torch.tensor(1)], build=False, runtime="reference")
    x = torch.rand(3, 3)
    for place in (0, 2, -1):
        torch.testing.assert_close(module(x, torch.tensor(place)), model(x, torch.tensor(place)))


def test_nothing_stays_behind():
    operators = [torch.ops.aten.quantile.default, torch.ops.aten.cross_entropy_loss.default]
    before = copy.copy(torch._meta_registrations.div_rtn), [dict(operator.py_kernels) for operator in operators]
    convert(nn.AvgPool1d(2), [torch.rand(1, 2, 8)], build=False, runtime="reference")
    assert before == (torch._meta_registrations.div_rtn, [dict(operator.py_kernels) for operator in operators])
