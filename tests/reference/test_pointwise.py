"""ACTIVATION, PARAMETRIC_RELU, UNARY, ELEMENTWISE, SELECT, CAST and SCALE against formulas in fp64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from generated.base import values, weights
from nets import close, evaluate
from torch2trt._trt import trt

HALVES = [torch.float16, torch.bfloat16]
ACTIVATIONS = {
    "RELU": lambda x, a, b: np.maximum(x, 0),
    "SIGMOID": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "TANH": lambda x, a, b: np.tanh(x),
    "LEAKY_RELU": lambda x, a, b: np.where(x >= 0, x, a * x),
    "ELU": lambda x, a, b: np.where(x >= 0, x, a * (np.exp(x) - 1)),
    "SELU": lambda x, a, b: np.where(x > 0, b * x, b * (a * np.exp(x) - a)),
    "SOFTSIGN": lambda x, a, b: x / (1 + np.abs(x)),
    "SOFTPLUS": lambda x, a, b: a * np.log(np.exp(b * x) + 1),
    "CLIP": lambda x, a, b: np.maximum(a, np.minimum(b, x)),
    "HARD_SIGMOID": lambda x, a, b: np.maximum(0, np.minimum(1, a * x + b)),
    "SCALED_TANH": lambda x, a, b: a * np.tanh(b * x),
    "THRESHOLDED_RELU": lambda x, a, b: np.where(x > a, x, 0),
    "GELU_ERF": lambda x, a, b: 0.5 * x * (1 + np.vectorize(math.erf)(np.sqrt(0.5) * x)),
    "GELU_TANH": lambda x, a, b: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (0.044715 * x**3 + x))),
}


def activation(kind, alpha=0.0, beta=0.0):
    def body(network, x):
        layer = network.add_activation(x, getattr(trt.ActivationType, kind))
        layer.alpha, layer.beta = alpha, beta
        return layer

    return body


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
def test_activation(kind, dtype):
    x = (values(kind, (3, 40)) * 4).to(dtype)
    alpha, beta = (0.375, 0.75)
    want = torch.from_numpy(ACTIVATIONS[kind](x.double().numpy(), alpha, beta))
    close(evaluate(activation(kind, alpha, beta), x), want.to(dtype))


def test_activations_of_special_values():
    """What an engine gives."""
    x = torch.tensor([math.inf, -math.inf, math.nan])
    close(evaluate(activation("CLIP", -0.5, 0.75), x), torch.tensor([0.75, -0.5, -0.5]))
    close(evaluate(activation("GELU_ERF"), x), torch.tensor([math.inf, math.nan, math.nan]))
    close(evaluate(activation("RELU"), x), torch.tensor([math.inf, 0.0, math.nan]))


def test_every_activation_is_tested():
    assert set(ACTIVATIONS) == set(trt.ActivationType.__members__)


def test_integer_clip_saturates_its_limits():
    x = torch.tensor([-128, -3, 0, 5, 127], dtype=torch.int8)
    assert evaluate(activation("CLIP", -2.0, 1e9), x).tolist() == [-2, -2, 0, 5, 127]


def test_parametric_relu():
    x, slope = values("x", (2, 3, 4)), values("s", (1, 3, 1))
    want = np.where(x.numpy() < 0, x.numpy() * slope.numpy(), x.numpy())
    close(evaluate(lambda n, x, s: n.add_parametric_relu(x, s), x, slope), torch.from_numpy(want))


UNARY = {
    "EXP": np.exp, "LOG": np.log, "SQRT": np.sqrt, "RECIP": np.reciprocal, "ABS": np.abs, "NEG": np.negative,
    "SIN": np.sin, "COS": np.cos, "TAN": np.tan, "SINH": np.sinh, "COSH": np.cosh, "ASIN": np.arcsin, "ACOS": np.arccos,
    "ATAN": np.arctan, "ASINH": np.arcsinh, "ACOSH": np.arccosh, "ATANH": np.arctanh, "CEIL": np.ceil,
    "FLOOR": np.floor, "ERF": np.vectorize(math.erf), "SIGN": np.sign, "ROUND": np.rint, "ISINF": np.isinf,
    "ISNAN": np.isnan, "NOT": np.logical_not,
}  # fmt: skip


def unary(op):
    return lambda network, x: network.add_unary(x, getattr(trt.UnaryOperation, op))


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_unary(op):
    x = torch.tensor([0.5, -0.5, 1.5, 2.5, -2.5, 0.0, 3.25, math.inf, -math.inf, math.nan])
    if op == "NOT":
        x = torch.tensor([True, False])
    want = torch.from_numpy(np.asarray(UNARY[op](x.numpy() if op == "NOT" else x.double().numpy())))
    close(evaluate(unary(op), x), want.to(torch.bool if op in ("ISINF", "ISNAN", "NOT") else x.dtype))


def test_every_unary_operation_is_tested():
    assert set(UNARY) == set(trt.UnaryOperation.__members__)


def elementwise(op):
    return lambda network, a, b: network.add_elementwise(a, b, getattr(trt.ElementWiseOperation, op))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_integer_division_truncates_and_floor_division_floors(dtype):
    a = torch.arange(-7, 8, dtype=dtype).repeat_interleave(6)
    b = torch.tensor([-3, -2, -1, 1, 2, 3], dtype=dtype).repeat(15)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    assert evaluate(elementwise("DIV"), a, b).tolist() == [math.trunc(x / y) for x, y in pairs]
    assert evaluate(elementwise("FLOOR_DIV"), a, b).tolist() == [x // y for x, y in pairs]


def test_integer_division_by_zero_does_not_raise():
    one, zero = torch.tensor([5], dtype=torch.int32), torch.tensor([0], dtype=torch.int32)
    assert evaluate(elementwise("DIV"), one, zero).tolist() == [-1]


def test_integer_power():
    a = torch.tensor([2, 3, 1, -1, -1, 2, -2], dtype=torch.int32)
    b = torch.tensor([3, 0, -2, -2, -3, -1, -1], dtype=torch.int32)
    assert evaluate(elementwise("POW"), a, b).tolist() == [8, 1, 1, 1, -1, 0, 0]


def test_floor_division_of_floats_floors_the_rounded_quotient():
    a, b = torch.tensor([7.5, -7.5, 1.0, 6.0]), torch.tensor([2.0, 2.0, 0.1, -4.0])
    assert evaluate(elementwise("FLOOR_DIV"), a, b).tolist() == [3, -4, 10, -2]


def test_extremes_and_comparisons_with_nan():
    a, b = torch.tensor([math.nan, 1.0, math.nan]), torch.tensor([2.0, math.nan, math.nan])
    close(evaluate(elementwise("MAX"), a, b), torch.tensor([math.nan, 1.0, math.nan]))
    close(evaluate(elementwise("MIN"), a, b), torch.tensor([math.nan, 1.0, math.nan]))
    for op in ("EQUAL", "GREATER", "LESS"):
        assert evaluate(elementwise(op), a, b).tolist() == [False] * 3


@pytest.mark.parametrize(("op", "truth"), [("AND", [0, 0, 0, 1]), ("OR", [0, 1, 1, 1]), ("XOR", [0, 1, 1, 0])])
def test_logic(op, truth):
    a, b = torch.tensor([False, False, True, True]), torch.tensor([False, True, False, True])
    assert evaluate(elementwise(op), a, b).tolist() == [bool(t) for t in truth]


def test_select_broadcasts():
    condition, then, other = torch.tensor([[True], [False]]), torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0]])
    got = evaluate(lambda n, c, t, e: n.add_select(c, t, e), condition, then, other)
    assert got.tolist() == [[1, 2], [5, 5]]


def cast(target):
    return lambda network, x: network.add_cast(x, target)


def test_casts_to_integers_truncate_and_saturate():
    x = torch.tensor([1.9, -1.9, 3e9, -3e9, 1e20, -1e20, math.nan, math.inf])
    top, low = 2**31 - 1, -(2**31)
    assert evaluate(cast(trt.int32), x).tolist() == [1, -1, top, low, top, low, 0, top]
    assert evaluate(cast(trt.int64), x).tolist()[2:6] == [3000000000, -3000000000, 2**63 - 1, -(2**63)]
    assert evaluate(cast(trt.int64), x).tolist()[6] == -(2**63)  # NaN, which gives 0 in int32: as in an engine


def test_casts_of_and_to_booleans():
    assert evaluate(cast(trt.bool), torch.tensor([0.0, 0.25, -3.0, math.nan])).tolist() == [False, True, True, True]
    assert evaluate(cast(trt.float16), torch.tensor([True, False])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("mode", ["UNIFORM", "CHANNEL", "ELEMENTWISE"])
def test_scale(mode):
    x = values("x", (2, 3, 4, 5)).abs()
    shape = {"UNIFORM": (1, 1, 1), "CHANNEL": (3, 1, 1), "ELEMENTWISE": (3, 4, 5)}[mode]
    factor, shift, power = (values(name, shape).abs() + 0.5 for name in ("scale", "shift", "power"))

    def body(network, x):
        return network.add_scale_nd(x, getattr(trt.ScaleMode, mode), weights(shift), weights(factor), weights(power), 1)

    want = (x.double() * factor.double() + shift.double()) ** power.double()
    close(evaluate(body, x), want.float())


def test_scale_without_weights_is_the_identity():
    x = values("x", (2, 3, 4, 5))
    none = trt.Weights(trt.float32)
    assert torch.equal(evaluate(lambda n, x: n.add_scale_nd(x, trt.ScaleMode.CHANNEL, none, none, none, 1), x), x)
