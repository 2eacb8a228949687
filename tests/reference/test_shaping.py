"""SHUFFLE, SLICE, CONCATENATION, SHAPE, SQUEEZE, UNSQUEEZE, REVERSE_SEQUENCE and FILL."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from generated.base import constant, ints, scalar, trt_type, values
from nets import close, evaluate
from torch2trt._trt import trt


def test_shuffle_transposes_reshapes_and_transposes():
    x = values("x", (2, 3, 4))

    def body(network, x):
        layer = network.add_shuffle(x)
        layer.first_transpose, layer.reshape_dims, layer.second_transpose = (1, 2, 0), (4, 6), (1, 0)
        return layer

    assert torch.equal(evaluate(body, x), torch.from_numpy(x.numpy().transpose(1, 2, 0).reshape(4, 6).T.copy()))


@pytest.mark.parametrize(
    ("shape", "target", "placeholder", "want"),
    [
        ((2, 3, 4), (0, -1), True, (2, 12)),
        ((2, 3, 4), (1, 0, 0, -1), True, (1, 3, 4, 2)),
        ((2, 3, 4), (-1, 0, 2), True, (4, 3, 2)),
        ((0, 3), (0, 7), False, (0, 7)),
        ((1, 1), (), True, ()),
    ],
)
def test_reshape_dims(shape, target, placeholder, want):
    def body(network, x):
        layer = network.add_shuffle(x)
        layer.reshape_dims, layer.zero_is_placeholder = target, placeholder
        return layer

    assert tuple(evaluate(body, torch.zeros(shape)).shape) == want


def sampled(x, start, size, stride, mode, fill=0.0):
    """Element by element."""
    result = np.zeros(size, dtype=x.dtype)
    for index in itertools.product(*map(range, size)):
        at = [s + i * d for s, i, d in zip(start, index, stride, strict=True)]
        for axis, n in enumerate(x.shape):
            if mode == "CLAMP":
                at[axis] = min(max(at[axis], 0), n - 1)
            elif mode == "WRAP":
                at[axis] %= n
            elif mode == "REFLECT":
                while not 0 <= at[axis] < n:
                    at[axis] = -at[axis] if at[axis] < 0 else 2 * (n - 1) - at[axis]
        inside = all(0 <= i < n for i, n in zip(at, x.shape, strict=True))
        result[index] = x[tuple(at)] if inside else fill
    return result


@pytest.mark.parametrize("mode", ["STRICT_BOUNDS", "FILL", "CLAMP", "WRAP", "REFLECT"])
@pytest.mark.parametrize(
    ("start", "size", "stride"),
    [
        ((1, 0), (2, 3), (1, 2)),
        ((3, 5), (4, 3), (-1, -2)),
        ((2, 1), (5, 2), (0, 1)),
        ((-5, -8), (13, 20), (1, 1)),
        ((9, -3), (7, 5), (-2, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.int32])
def test_slice(mode, start, size, stride, dtype):
    x = values("x", (4, 6), dtype)

    def body(network, x):
        layer = network.add_slice(x, start, size, stride)
        layer.mode = getattr(trt.SampleMode, mode)
        if mode == "FILL":
            layer.set_input(4, scalar(network, 7, dtype))
        return layer

    beyond = any(
        not (0 <= s < n and 0 <= s + (k - 1) * d < n) for s, k, d, n in zip(start, size, stride, (4, 6), strict=True)
    )
    if mode == "STRICT_BOUNDS" and beyond:
        return
    close(evaluate(body, x), torch.from_numpy(sampled(x.numpy(), start, size, stride, mode, 7)))


def test_slice_of_some_axes():
    def body(network, x):
        layer = network.add_slice(x, (1,), (2,), (2,))
        layer.axes = (-1,)
        return layer

    x = values("x", (2, 3, 5))
    assert torch.equal(evaluate(body, x), x[:, :, 1:5:2])


def test_concatenation_shape_squeeze_and_unsqueeze():
    a, b = values("a", (2, 1, 3)), values("b", (2, 4, 3))

    def joined(network, a, b):
        layer = network.add_concatenation([a, b])
        layer.axis = 1
        return layer

    assert torch.equal(evaluate(joined, a, b), torch.cat((a, b), 1))
    assert evaluate(lambda n, x: n.add_shape(x), b, dynamic={0: (0,)}).tolist() == [2, 4, 3]
    assert torch.equal(evaluate(lambda n, x: n.add_squeeze(x, ints(n, -2)), a), a[:, 0])
    assert torch.equal(evaluate(lambda n, x: n.add_unsqueeze(x, ints(n, 3, 0)), b), b[None, ..., None, :])


def test_reverse_sequence():
    x = values("x", (2, 5, 3))

    def body(network, x):
        layer = network.add_reverse_sequence(x, constant(network, torch.tensor([2, 5], dtype=torch.int32)))
        layer.batch_axis, layer.sequence_axis = 0, 1
        return layer

    want = torch.stack((x[0][[1, 0, 2, 3, 4]], x[1].flip(0)))
    assert torch.equal(evaluate(body, x), want)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.int64])
def test_fill_is_linear_in_each_index(dtype):
    def body(network):
        layer = network.add_fill((3, 4), trt.FillOperation.LINSPACE, trt_type(dtype))
        layer.set_input(1, scalar(network, 5, dtype))
        layer.set_input(2, constant(network, torch.tensor([10, -2], dtype=dtype)))
        return layer

    want = [[5 + 10 * i - 2 * j for j in range(4)] for i in range(3)]
    assert evaluate(body).tolist() == want


@pytest.mark.parametrize(
    ("op", "a", "b", "mean", "deviation"), [("UNIFORM", -1.0, 3.0, 1.0, 4 / 12**0.5), ("NORMAL", 2.0, 0.5, 2.0, 0.5)]
)
def test_random_fill_has_the_distribution(op, a, b, mean, deviation):
    def body(network):
        layer = network.add_fill((100, 500), getattr(trt.FillOperation, f"RANDOM_{op}"), trt.float32)
        layer.set_input(1, scalar(network, a, torch.float32))
        layer.set_input(2, scalar(network, b, torch.float32))
        return layer

    torch.manual_seed(0)
    got = evaluate(body)
    assert abs(float(got.mean()) - mean) < 0.02
    assert abs(float(got.std()) - deviation) < 0.02
    if op == "UNIFORM":
        assert float(got.min()) >= a
        assert float(got.max()) <= b
