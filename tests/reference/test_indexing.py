"""GATHER, SCATTER, ONE_HOT, NON_ZERO and NMS."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from generated.base import constant, scalar, values
from nets import close, evaluate
from torch2trt._trt import trt


def gather(mode, axis=0, elementwise=0):
    def body(network, x, indices):
        layer = network.add_gather_v2(x, indices, getattr(trt.GatherMode, mode))
        if mode != "ND":
            layer.axis = axis
        layer.num_elementwise_dims = elementwise
        return layer

    return body


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (0,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_gather(axis, shape, dtype):
    x, indices = values("x", (3, 4, 5), dtype), values("i", shape, torch.int32, -3, 3)
    close(evaluate(gather("DEFAULT", axis), x, indices), torch.from_numpy(np.take(x.numpy(), indices.numpy(), axis)))


def test_gather_gives_zero_for_what_is_beyond():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    beyond = torch.tensor([1, 2, -1, -3, 99], dtype=torch.int32)
    assert evaluate(gather("DEFAULT", 0), x, beyond).tolist() == [[3, 4], [0, 0], [3, 4], [0, 0], [0, 0]]
    assert evaluate(gather("ELEMENT", 1), x, torch.tensor([[1, 2], [0, -1]], dtype=torch.int32)).tolist() == [
        [2, 0],
        [3, 4],
    ]
    tuples = torch.tensor([[0, 1], [2, 0], [1, 5]], dtype=torch.int32)
    assert evaluate(gather("ND"), x, tuples).tolist() == [2, 0, 0]


def test_gather_elementwise():
    x, indices = values("x", (3, 4, 5)), torch.tensor([[0, 2], [1, 1], [3, 0]], dtype=torch.int32)
    want = torch.stack([x[i][indices[i].long()] for i in range(3)])
    assert torch.equal(evaluate(gather("DEFAULT", 1, 1), x, indices), want)
    tuples = indices[..., None]
    assert torch.equal(evaluate(gather("ND", 0, 1), x, tuples), want)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_gather_nd(depth):
    x, indices = values("x", (3, 4, 5)), values("i", (2, 3, depth), torch.int32, 0, 3)
    want = torch.stack([torch.stack([x[tuple(t.tolist())] for t in row]) for row in indices])
    assert torch.equal(evaluate(gather("ND"), x, indices), want)


def scatter(mode, axis=0):
    def body(network, data, indices, updates):
        layer = network.add_scatter(data, indices, updates, getattr(trt.ScatterMode, mode))
        if mode == "ELEMENT":
            layer.axis = axis
        return layer

    return body


@pytest.mark.parametrize("axis", [0, 1])
def test_scatter_elements(axis):
    data, updates = values("d", (4, 5)), values("u", (2, 2))
    indices = torch.tensor([[0, 3], [-1, 1]], dtype=torch.int32)
    want = data.clone()
    for i, j in itertools.product(range(2), range(2)):
        at = [i, j]
        at[axis] = int(indices[i, j])
        want[tuple(at)] = updates[i, j]
    assert torch.equal(evaluate(scatter("ELEMENT", axis), data, indices, updates), want)


def test_scatter_nd_of_slices_leaves_the_data_alone():
    data, updates = values("d", (4, 5)), values("u", (2, 5))
    before = data.clone()
    got = evaluate(scatter("ND"), data, torch.tensor([[2], [-4]], dtype=torch.int32), updates)
    assert torch.equal(data, before)
    assert torch.equal(got, torch.stack((updates[1], data[1], updates[0], data[3])))


def test_scatter_drops_what_is_beyond():
    data = torch.zeros(3)
    got = evaluate(scatter("ND"), data, torch.tensor([[7], [1]], dtype=torch.int32), torch.tensor([5.0, 6.0]))
    assert got.tolist() == [0, 6, 0]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot(axis):
    indices = torch.tensor([[0, 2], [1, 9]], dtype=torch.int32)

    def body(network, indices):
        pair = constant(network, torch.tensor([-1.0, 4.0]))
        return network.add_one_hot(indices, pair, scalar(network, 3, torch.int32), axis)

    want = np.where(np.arange(3) == indices.numpy()[..., None], 4.0, -1.0).astype(np.float32)
    close(evaluate(body, indices), torch.from_numpy(np.moveaxis(want, -1, axis).copy()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.bool])
def test_non_zero(dtype):
    x = torch.tensor([[0, 1, 0], [2, 0, 3]]).to(dtype)
    assert evaluate(lambda n, x: n.add_non_zero(x), x).tolist() == [[0, 1, 1], [1, 0, 2]]
    assert tuple(evaluate(lambda n, x: n.add_non_zero(x), torch.zeros(2, 2)).shape) == (2, 0)


def nms(most, overlap, threshold, centers=False):
    def body(network, boxes, scores):
        layer = network.add_nms(boxes, scores, scalar(network, most, torch.int32))
        layer.set_input(3, scalar(network, overlap, torch.float32))
        layer.set_input(4, scalar(network, threshold, torch.float32))
        if centers:
            layer.bounding_box_format = trt.BoundingBoxFormat.CENTER_SIZES
        return [layer.get_output(0), layer.get_output(1)]

    return body


def test_nms_suppresses_orders_and_counts():
    boxes = torch.tensor([[[0.0, 0.0, 2.0, 2.0], [2.0, 2.0, 0.0, 0.5], [5.0, 5.0, 6.0, 6.0], [0.0, 0.0, 1.0, 1.0]]])
    scores = torch.tensor([[[0.5, 0.1], [0.9, 0.2], [0.3, 0.95], [0.05, 0.4]]])
    indices, count = evaluate(nms(3, 0.5, 0.1), boxes, scores)
    assert indices.tolist() == [[0, 1, 2], [0, 0, 1], [0, 1, 3], [0, 0, 2], [0, 1, 1]]
    assert count.item() == 5
    indices, _ = evaluate(nms(1, 0.5, 0.1), boxes, scores)
    assert indices.tolist() == [[0, 1, 2], [0, 0, 1]]


def test_nms_of_centers_is_nms_of_corners():
    centers = torch.cat((values("c", (1, 9, 2)) * 2, values("s", (1, 9, 2)).abs() + 1), -1)
    corners = torch.cat((centers[..., :2] - centers[..., 2:] / 2, centers[..., :2] + centers[..., 2:] / 2), -1)
    scores = torch.rand((1, 9, 2), generator=torch.Generator().manual_seed(1))
    first, second = (
        evaluate(nms(9, 0.2, 0.0, flag), boxes, scores)[0] for flag, boxes in ((True, centers), (False, corners))
    )
    assert torch.equal(first, second)
