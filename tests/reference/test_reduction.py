"""REDUCE, SOFTMAX, RAGGED_SOFTMAX, CUMULATIVE, TOPK, MATRIX_MULTIPLY and EINSUM."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from generated.base import scalar, values
from nets import close, evaluate
from torch2trt._trt import trt

REDUCTIONS = {"SUM": np.sum, "PROD": np.prod, "MAX": np.max, "MIN": np.min, "AVG": np.mean}


def reduce_(op, axes, keep=False):
    return lambda network, x: network.add_reduce(x, getattr(trt.ReduceOperation, op), axes, keep)


@pytest.mark.parametrize("op", REDUCTIONS)
@pytest.mark.parametrize(("mask", "axes"), [(0b010, (1,)), (0b101, (0, 2)), (0b111, (0, 1, 2))])
@pytest.mark.parametrize("keep", [False, True])
def test_reduce(op, mask, axes, keep):
    x = values(op, (3, 4, 5))
    want = REDUCTIONS[op](x.double().numpy(), axes, keepdims=keep)
    close(evaluate(reduce_(op, mask, keep), x), torch.from_numpy(np.asarray(want)).float())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_long_sums_are_accumulated_in_fp32(dtype):
    x = torch.ones(1, 30000).to(dtype)
    assert evaluate(reduce_("SUM", 2), x).item() == torch.tensor(30000.0).to(dtype).item()


def test_reductions_of_integers():
    x = torch.tensor([[7, -8, 3]], dtype=torch.int32)
    got = {op: evaluate(reduce_(op, 2), x).item() for op in REDUCTIONS}
    assert got == {"SUM": 2, "PROD": -168, "MAX": 7, "MIN": -8, "AVG": 0}
    assert evaluate(reduce_("AVG", 2), -x - 3).item() == -3  # -11 / 3 towards zero


def test_extremes_pass_over_nan():
    x = torch.tensor([[1.0, math.nan, -2.0], [math.nan, 3.0, 4.0]])
    assert evaluate(reduce_("MAX", 2), x).tolist() == [1, 4]
    assert evaluate(reduce_("MIN", 2), x).tolist() == [-2, 3]
    assert evaluate(reduce_("SUM", 2), x).isnan().all()


def test_reductions_over_nothing():
    x, whole = torch.empty(2, 0), torch.empty(2, 0, dtype=torch.int32)
    got = {op: evaluate(reduce_(op, 2), x)[0].item() for op in REDUCTIONS}
    assert math.isnan(got.pop("AVG"))
    assert got == {"SUM": 0, "PROD": 1, "MAX": -math.inf, "MIN": math.inf}
    got = {op: evaluate(reduce_(op, 2), whole)[0].item() for op in REDUCTIONS}
    assert got == {"SUM": 0, "PROD": 1, "MAX": -(2**31), "MIN": 2**31 - 1, "AVG": 0}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_softmax(axis, dtype):
    def body(network, x):
        layer = network.add_softmax(x)
        layer.axes = 1 << axis
        return layer

    x = (values("x", (3, 4, 5)) * 5).to(dtype)
    power = np.exp(x.double().numpy() - x.double().numpy().max(axis, keepdims=True))
    close(evaluate(body, x), torch.from_numpy(power / power.sum(axis, keepdims=True)).to(dtype))


def test_ragged_softmax():
    x, bounds = values("x", (1, 3, 5)), torch.tensor([[[2], [5], [1]]], dtype=torch.int32)
    got = evaluate(lambda n, x, b: n.add_ragged_softmax(x, b), x, bounds)[0]
    for row, bound in enumerate((2, 5, 1)):
        close(got[row, :bound], torch.exp(x[0, row, :bound]) / torch.exp(x[0, row, :bound]).sum())
        assert not got[row, bound:].any()


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative(exclusive, reverse):
    x = torch.arange(1, 7, dtype=torch.int32).reshape(2, 3)

    def body(network, x):
        axis = scalar(network, 1, torch.int32)
        return network.add_cumulative(x, axis, trt.CumulativeOperation.SUM, exclusive, reverse)

    def total(row, j):
        chosen = row[j + exclusive :] if reverse else row[: j + 1 - exclusive]
        return sum(chosen)

    assert evaluate(body, x).tolist() == [[total(row, j) for j in range(3)] for row in x.tolist()]


@pytest.mark.parametrize("op", ["MAX", "MIN"])
def test_topk_sorts_and_takes_the_first_of_equals(op):
    x = torch.tensor([[1.0, 3.0, 3.0, 0.0, 3.0], [2.0, 2.0, 2.0, 5.0, 5.0]])

    def body(network, x):
        layer = network.add_topk(x, getattr(trt.TopKOperation, op), 4, 0b10)
        return [layer.get_output(0), layer.get_output(1)]

    extremes, indices = evaluate(body, x)
    for row, line in enumerate(x.tolist()):
        order = sorted(range(5), key=lambda i, line=line: (-line[i] if op == "MAX" else line[i], i))[:4]
        assert indices[row].tolist() == order
        assert extremes[row].tolist() == [line[i] for i in order]


def test_topk_of_an_input_and_wide_indices():
    def body(network, x):
        layer = network.add_topk(x, trt.TopKOperation.MAX, 1, 0b10, trt.int64)
        layer.set_input(1, scalar(network, 2, torch.int32))
        return [layer.get_output(0), layer.get_output(1)]

    greatest, indices = evaluate(body, torch.tensor([[1.0, 4.0, 2.0]]))
    assert (greatest.tolist(), indices.tolist(), indices.dtype) == ([[4, 2]], [[1, 2]], torch.int64)


@pytest.mark.parametrize(
    ("first", "second", "a", "b", "equation"),
    [
        ("NONE", "NONE", (2, 3, 4), (2, 4, 5), "bij,bjk->bik"),
        ("TRANSPOSE", "NONE", (2, 4, 3), (1, 4, 5), "bji,bjk->bik"),
        ("NONE", "TRANSPOSE", (3, 4), (5, 4), "ij,kj->ik"),
        ("VECTOR", "NONE", (2, 4), (2, 4, 5), "bj,bjk->bk"),
        ("NONE", "VECTOR", (2, 3, 4), (2, 4), "bij,bj->bi"),
        ("VECTOR", "VECTOR", (2, 4), (2, 4), "bj,bj->b"),
        ("VECTOR", "VECTOR", (4,), (4,), "j,j->"),
    ],
)
def test_matrix_multiply(first, second, a, b, equation):
    left, right = values("a", a), values("b", b)
    operation = trt.MatrixOperation
    got = evaluate(
        lambda n, x, y: n.add_matrix_multiply(x, getattr(operation, first), y, getattr(operation, second)), left, right
    )
    wide = right.double().expand(2, *b[1:]) if len(b) == 3 else right.double()
    want = np.einsum(equation, left.double().numpy(), wide.numpy())
    close(got, torch.from_numpy(np.asarray(want)).float())


def test_products_of_halves_are_accumulated_in_fp32():
    a = torch.full((1, 8192), 0.5, dtype=torch.float16)
    none, turned = trt.MatrixOperation.NONE, trt.MatrixOperation.TRANSPOSE
    got = evaluate(lambda n, x, y: n.add_matrix_multiply(x, none, y, turned), a, a)
    assert got.item() == 2048


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij->ji", [(3, 4)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("i,j->ij", [(3,), (4,)]), ("ij->", [(3, 4)])],
)
def test_einsum(equation, shapes):
    operands = [values(str(i), shape) for i, shape in enumerate(shapes)]
    want = np.einsum(equation, *[operand.double().numpy() for operand in operands])
    got = evaluate(lambda n, *xs: n.add_einsum(list(xs), equation), *operands)
    close(got, torch.from_numpy(np.asarray(want)).float())
