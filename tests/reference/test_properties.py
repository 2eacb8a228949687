"""Random parameters: what the interpreter returns has the shape that TensorRT infers, and values where that is cheap.

``evaluate`` compares shapes and dtypes; a combination that TensorRT itself refuses is no counter-example.
"""

from __future__ import annotations

import math

import torch
from generated.base import constant, ints
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nets import assert_as_inferred, evaluate, network_of
from torch2trt._trt import trt
from torch2trt.reference import interpret

bounded = settings(max_examples=40, deadline=None, derandomize=True, database=None)
extents = st.integers(1, 6)
shapes = st.lists(extents, min_size=1, max_size=4).map(tuple)


def accepted(body, *inputs):
    """Evaluate if TensorRT infers a shape; None otherwise."""
    network = network_of(body, *inputs)
    try:
        inferred = [tuple(network.get_output(i).shape) for i in range(network.num_outputs)]
    except (RuntimeError, ValueError):
        return None
    assume(all(math.prod(shape) < 10000 for shape in inferred))
    results = interpret(network, {f"in{i}": tensor for i, tensor in enumerate(inputs)})
    assert_as_inferred(network, results)
    return results["out0"]


@bounded
@given(shapes, st.data())
def test_elementwise_broadcast(shape, data):
    other = tuple(data.draw(st.sampled_from((1, extent))) for extent in shape)
    op = data.draw(st.sampled_from(list(trt.ElementWiseOperation.__members__.values())))
    dtype = data.draw(st.sampled_from((torch.float32, torch.float16, torch.int32, torch.int64, torch.bool)))
    a, b = torch.ones(shape).to(dtype), torch.ones(other).to(dtype)
    accepted(lambda n, a, b: n.add_elementwise(a, b, op), a, b)
    accepted(lambda n, a, b: n.add_elementwise(a, b, op), b, a)


@bounded
@given(shapes, st.data())
def test_slice(shape, data):
    start = tuple(data.draw(st.integers(-7, 7)) for _ in shape)
    size = tuple(data.draw(st.integers(0, 7)) for _ in shape)
    stride = tuple(data.draw(st.integers(-3, 3)) for _ in shape)
    mode = data.draw(st.sampled_from(("FILL", "CLAMP", "WRAP", "REFLECT")))
    x = torch.arange(float(math.prod(shape))).reshape(shape)

    def body(network, x):
        layer = network.add_slice(x, start, size, stride)
        layer.mode = getattr(trt.SampleMode, mode)
        return layer

    got = accepted(body, x)
    if got is not None and got.numel():
        assert set(got.flatten().tolist()) <= {0.0, *x.flatten().tolist()}


@bounded
@given(shapes, st.data())
def test_strict_slice_is_numpy_s(shape, data):
    start, size, stride = [], [], []
    for extent in shape:
        first, step = data.draw(st.integers(0, extent - 1)), data.draw(st.integers(-2, 2))
        room = extent if step == 0 else ((extent - 1 - first) // step if step > 0 else first // -step) + 1
        start.append(first)
        stride.append(step)
        size.append(data.draw(st.integers(1, room)))
    x = torch.arange(float(math.prod(shape))).reshape(shape)
    got = evaluate(lambda n, x: n.add_slice(x, start, size, stride), x)
    for axis, (first, count, step) in enumerate(zip(start, size, stride, strict=True)):
        x = x.index_select(axis, torch.tensor([first + i * step for i in range(count)]))
    assert torch.equal(got, x)


@bounded
@given(shapes, st.lists(st.integers(0, 3), max_size=2).map(tuple), st.data())
def test_gather(shape, indices_shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = torch.randn(shape)
    indices = torch.randint(-2 * shape[axis], 2 * shape[axis], indices_shape, dtype=torch.int32)

    def body(network, x, indices):
        return network.add_gather(x, indices, axis)

    accepted(body, x, indices)


@bounded
@given(shapes, st.data())
def test_gather_and_scatter_of_elements(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    part = tuple(data.draw(st.integers(1, extent)) for extent in shape)
    x, updates = torch.randn(shape), torch.randn(part)
    order = torch.randperm(shape[axis])[: part[axis]]
    view = [part[axis] if i == axis else 1 for i in range(len(shape))]
    indices = order.reshape(view).expand(part).contiguous().to(torch.int32)

    def scatter(network, x, indices, updates):
        layer = network.add_scatter(x, indices, updates, trt.ScatterMode.ELEMENT)
        layer.axis = axis
        return layer

    def gather(network, x, indices):
        layer = network.add_gather_v2(x, indices, trt.GatherMode.ELEMENT)
        layer.axis = axis
        return layer

    scattered = evaluate(scatter, x, indices, updates)
    assert torch.equal(evaluate(gather, scattered, indices), updates)


@bounded
@given(shapes, st.data())
def test_gather_and_scatter_nd(shape, data):
    depth = data.draw(st.integers(1, len(shape)))
    count = data.draw(st.integers(1, math.prod(shape[:depth])))
    rows = torch.randperm(math.prod(shape[:depth]))[:count]
    indices = torch.stack(torch.unravel_index(rows, shape[:depth]), -1).to(torch.int32)
    updates = torch.randn(count, *shape[depth:])
    scattered = evaluate(lambda n, *xs: n.add_scatter(*xs, trt.ScatterMode.ND), torch.randn(shape), indices, updates)
    gathered = evaluate(lambda n, *xs: n.add_gather_v2(*xs, trt.GatherMode.ND), scattered, indices)
    assert torch.equal(gathered, updates)


@bounded
@given(st.tuples(extents, extents, extents), st.data())
def test_resize(shape, data):
    mode = data.draw(st.sampled_from(("NEAREST", "LINEAR", "CUBIC")))
    transformation = data.draw(st.sampled_from(("ALIGN_CORNERS", "ASYMMETRIC", "HALF_PIXEL")))
    by_scale = data.draw(st.booleans())
    factors = [data.draw(st.integers(3, 35)) / 10 for _ in range(2)]
    x = torch.randn(1, *shape)

    def body(network, x):
        layer = network.add_resize(x)
        layer.resize_mode = getattr(trt.InterpolationMode, mode)
        layer.coordinate_transformation = getattr(trt.ResizeCoordinateTransformation, transformation)
        if by_scale:
            layer.scales = (1, 1, *factors)
        else:
            layer.shape = (1, shape[0], *(max(1, int(n * f)) for n, f in zip(shape[1:], factors, strict=True)))
        return layer

    accepted(body, x)


@bounded
@given(shapes, st.data())
def test_reduce(shape, data):
    op = data.draw(st.sampled_from(("SUM", "PROD", "MAX", "MIN", "AVG")))
    axes = data.draw(st.integers(1, 2 ** len(shape) - 1))
    keep = data.draw(st.booleans())
    dtype = data.draw(st.sampled_from((torch.float32, torch.bfloat16, torch.int64)))
    accepted(lambda n, x: n.add_reduce(x, getattr(trt.ReduceOperation, op), axes, keep), torch.ones(shape).to(dtype))


@settings(bounded, max_examples=80)
@given(st.data())
def test_pooling(data):
    pair = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(2))  # noqa: E731
    window, stride, pre, post = pair(1, 4), pair(1, 3), pair(0, 3), pair(0, 3)
    assume(all(p < k and q < k for p, q, k in zip(pre, post, window, strict=True)))
    kind = data.draw(st.sampled_from(("MAX", "AVERAGE", "MAX_AVERAGE_BLEND")))
    mode = data.draw(st.sampled_from(list(trt.PaddingMode.__members__)))
    inclusive = data.draw(st.booleans())

    def body(network, x):
        layer = network.add_pooling_nd(x, getattr(trt.PoolingType, kind), window)
        layer.stride_nd, layer.pre_padding, layer.post_padding = stride, pre, post
        layer.padding_mode = getattr(trt.PaddingMode, mode)
        layer.average_count_excludes_padding = not inclusive
        return layer

    accepted(body, torch.randn(1, 2, *pair(4, 9)))


@settings(bounded, max_examples=80)
@given(st.data())
def test_convolution_and_deconvolution(data):
    pair = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(2))  # noqa: E731
    kernel, stride, dilation, pre, post = pair(1, 3), pair(1, 3), pair(1, 2), pair(0, 2), pair(0, 2)
    mode = data.draw(st.sampled_from(list(trt.PaddingMode.__members__)))
    transposed = data.draw(st.booleans())
    weight = torch.randn(2, 2, *kernel).numpy()

    def body(network, x):
        add = network.add_deconvolution_nd if transposed else network.add_convolution_nd
        layer = add(x, 2, kernel, weight)
        layer.stride_nd, layer.dilation_nd, layer.pre_padding, layer.post_padding = stride, dilation, pre, post
        layer.padding_mode = getattr(trt.PaddingMode, mode)
        return layer

    accepted(body, torch.randn(1, 2, *pair(5, 9)))


@bounded
@given(st.permutations(range(3)), st.permutations(range(2)), st.tuples(extents, extents, extents))
def test_shuffle(first, second, shape):
    x = torch.randn(shape)

    def body(network, x):
        layer = network.add_shuffle(x)
        layer.first_transpose, layer.reshape_dims, layer.second_transpose = tuple(first), (0, -1), tuple(second)
        return layer

    want = x.permute(*first)
    assert torch.equal(evaluate(body, x), want.reshape(want.shape[0], -1).permute(*second))


@bounded
@given(shapes, st.data())
def test_unsqueeze_undoes_squeeze(shape, data):
    axes = data.draw(st.lists(st.integers(0, len(shape)), min_size=1, max_size=2, unique=True))
    x = torch.randn(shape)
    assume(len(axes) + len(shape) <= 8)

    def body(network, x):
        wide = network.add_unsqueeze(x, ints(network, *axes)).get_output(0)
        return network.add_squeeze(wide, ints(network, *axes))

    assume(all(axis < len(shape) + len(axes) for axis in axes))
    assert torch.equal(evaluate(body, x), x)


@bounded
@given(shapes, st.data())
def test_select_and_constants(shape, data):
    other = tuple(data.draw(st.sampled_from((1, extent))) for extent in shape)
    then = torch.randn(other)
    got = evaluate(
        lambda n, c, e: n.add_select(c, constant(n, then), e), torch.rand(shape) > 0.5, torch.full(shape, torch.nan)
    )
    assert got.shape == shape
