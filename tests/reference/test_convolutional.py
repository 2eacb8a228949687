"""CONVOLUTION, DECONVOLUTION, POOLING, PADDING, NORMALIZATION and LRN against loops in fp64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from generated.base import constant, values, weights
from nets import close, evaluate
from torch2trt._trt import trt


def set_(layer, settings):
    for name, value in settings.items():
        setattr(layer, name, getattr(trt.PaddingMode, value) if name == "padding_mode" else value)
    return layer


def convolved(x, kernel, bias, stride, pre, post, dilation, groups):
    """Correlation of (N, C, H, W) by its definition."""
    padded = np.pad(x, ((0, 0), (0, 0), (pre[0], post[0]), (pre[1], post[1])))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel.shape[2:], dilation, strict=True)]
    extents = [(n - r) // s + 1 for n, r, s in zip(padded.shape[2:], reach, stride, strict=True)]
    result = np.zeros((x.shape[0], kernel.shape[0], *extents))
    width, maps = kernel.shape[1], kernel.shape[0] // groups
    for k, i, j in itertools.product(range(kernel.shape[0]), range(extents[0]), range(extents[1])):
        low = (k // maps) * width
        rows = slice(i * stride[0], i * stride[0] + reach[0], dilation[0])
        columns = slice(j * stride[1], j * stride[1] + reach[1], dilation[1])
        window = padded[:, low : low + width, rows, columns]
        result[:, k, i, j] = (window * kernel[k]).sum((1, 2, 3)) + bias[k]
    return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("stride", "pre", "post", "dilation", "groups"),
    [
        ((1, 1), (0, 0), (0, 0), (1, 1), 1),
        ((2, 1), (1, 2), (1, 2), (1, 1), 1),
        ((1, 2), (0, 2), (1, 0), (2, 1), 1),
        ((1, 1), (1, 1), (1, 1), (1, 2), 2),
        ((2, 2), (1, 1), (1, 1), (1, 1), 4),
    ],
)
def test_convolution(stride, pre, post, dilation, groups, dtype):
    x, kernel, bias = (
        values("x", (2, 4, 7, 8), dtype),
        values("k", (4, 4 // groups, 3, 2), dtype),
        values("b", (4,), dtype),
    )

    def body(network, x):
        layer = network.add_convolution_nd(x, 4, (3, 2), weights(kernel), weights(bias))
        settings = {"stride_nd": stride, "pre_padding": pre, "post_padding": post, "dilation_nd": dilation}
        return set_(layer, {**settings, "num_groups": groups})

    arrays = [tensor.double().numpy() for tensor in (x, kernel, bias)]
    want = torch.from_numpy(convolved(*arrays, stride, pre, post, dilation, groups)).to(dtype)
    tight = {} if dtype == torch.float32 else {"rtol": torch.finfo(dtype).eps, "atol": 1e-3}
    close(evaluate(body, x), want, **tight)


@pytest.mark.parametrize(("mode", "total"), [("SAME_UPPER", [(0, 1), (1, 1)]), ("SAME_LOWER", [(1, 0), (1, 1)])])
def test_same_padding_puts_the_odd_element_where_the_mode_says(mode, total):
    x, kernel = values("x", (1, 1, 8, 7)), values("k", (1, 1, 3, 3))
    settings = {"stride_nd": (2, 2), "padding_mode": mode}
    got = evaluate(lambda n, x: set_(n.add_convolution_nd(x, 1, (3, 3), weights(kernel)), settings), x)
    pre, post = zip(*total, strict=True)
    arrays = (x.double().numpy(), kernel.double().numpy(), [0.0])
    close(got, torch.from_numpy(convolved(*arrays, (2, 2), pre, post, (1, 1), 1)).float())


@pytest.mark.parametrize(("pre", "post"), [((0, 0), (0, 0)), ((1, 0), (0, 2))])
def test_deconvolution_scatters_and_trims(pre, post):
    x, kernel, bias = values("x", (1, 2, 3, 4)), values("k", (2, 3, 3, 3)), values("b", (3,))
    settings = {"stride_nd": (2, 2), "pre_padding": pre, "post_padding": post}
    got = evaluate(lambda n, x: set_(n.add_deconvolution_nd(x, 3, (3, 3), weights(kernel), weights(bias)), settings), x)
    whole = np.zeros((1, 3, 7, 9))
    for c, i, j in itertools.product(range(2), range(3), range(4)):
        whole[0, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += float(x[0, c, i, j]) * kernel[c].double().numpy()
    trimmed = whole[:, :, pre[0] : 7 - post[0], pre[1] : 9 - post[1]] + bias.double().numpy()[:, None, None]
    close(got, torch.from_numpy(trimmed).float())


def pooled(x, kind, window, stride, pre, post, inclusive):
    """(H, W) pooled by definition; windows may reach beyond the padding."""
    height, width = x.shape
    ceil = [-(-(n + a + b - k) // s) + 1 for n, a, b, k, s in zip(x.shape, pre, post, window, stride, strict=True)]
    result = np.zeros(ceil)
    for i, j in itertools.product(range(ceil[0]), range(ceil[1])):
        top, left = i * stride[0] - pre[0], j * stride[1] - pre[1]
        inside = x[max(top, 0) : max(top + window[0], 0), max(left, 0) : max(left + window[1], 0)]
        if kind == "MAX":
            result[i, j] = inside.max()
        else:
            rows = min(top + window[0], height + post[0]) - top
            columns = min(left + window[1], width + post[1]) - left
            result[i, j] = inside.sum() / (rows * columns if inclusive else inside.size)
    return result


@pytest.mark.parametrize("kind", ["MAX", "AVERAGE"])
@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize(
    ("shape", "stride", "pre", "post"),
    [((7, 9), (2, 2), (1, 1), (1, 1)), ((6, 7), (1, 2), (0, 1), (1, 0)), ((8, 8), (3, 3), (2, 0), (1, 1))],
)
def test_pooling_that_rounds_up(kind, inclusive, shape, stride, pre, post):
    x = values("x", (1, 1, *shape))
    settings = {"stride_nd": stride, "pre_padding": pre, "post_padding": post, "padding_mode": "EXPLICIT_ROUND_UP"}
    settings["average_count_excludes_padding"] = not inclusive
    got = evaluate(lambda n, x: set_(n.add_pooling_nd(x, getattr(trt.PoolingType, kind), (3, 3)), settings), x)
    want = pooled(x[0, 0].double().numpy(), kind, (3, 3), stride, pre, post, inclusive)
    close(got, torch.from_numpy(want)[None, None].float())


def test_pooling_blend():
    x = values("x", (2, 3, 6, 6))

    def pool(kind, blend):
        def body(network, x):
            layer = network.add_pooling_nd(x, getattr(trt.PoolingType, kind), (2, 2))
            layer.blend_factor = blend
            return layer

        return evaluate(body, x)

    close(pool("MAX_AVERAGE_BLEND", 0.25), 0.75 * pool("MAX", 0) + 0.25 * pool("AVERAGE", 0))


def test_padding_grows_and_trims():
    x = values("x", (1, 1, 3, 4))
    got = evaluate(lambda n, x: n.add_padding_nd(x, (1, -1), (-1, 2)), x)
    want = np.pad(x.numpy(), ((0, 0), (0, 0), (1, 0), (0, 2)))[:, :, :-1, 1:]
    close(got, torch.from_numpy(want))


def normalized(x, axes, epsilon=1e-3):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("second", [False, True])
def test_normalization(dtype, second):
    x = values("x", (2, 6, 4, 5), dtype) * 3 + 1
    arrays = x.double().numpy()

    def body(axes, shape, groups=1):
        scale, bias = values("s", shape, dtype), values("b", shape, dtype)

        def build(network, x):
            add = network.add_normalization_v2 if second else network.add_normalization
            layer = add(x, constant(network, scale), constant(network, bias), axes)
            layer.epsilon, layer.num_groups = 1e-3, groups
            return layer

        return build, scale.double().numpy(), bias.double().numpy()

    for axes, mask, shape in (((3,), 8, (1, 1, 1, 5)), ((1, 2, 3), 14, (1, 6, 4, 5)), ((2, 3), 12, (1, 6, 1, 1))):
        build, scale, bias = body(mask, shape)
        close(evaluate(build, x), torch.from_numpy(normalized(arrays, axes) * scale + bias).to(dtype))
    build, scale, bias = body(12, (1, 6, 1, 1) if second else (1, 3, 1, 1), groups=3)
    grouped = normalized(arrays.reshape(2, 3, 2, 4, 5), (2, 3, 4)).reshape(2, 6, 4, 5)
    if not second:
        scale, bias = scale.repeat(2, 1), bias.repeat(2, 1)
    close(evaluate(build, x), torch.from_numpy(grouped * scale + bias).to(dtype))


def test_lrn():
    x = values("x", (1, 7, 2, 3))
    got = evaluate(lambda n, x: n.add_lrn(x, 3, 0.6, 0.75, 2.0), x)
    squares = np.pad(x.double().numpy() ** 2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    summed = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    close(got, torch.from_numpy(x.double().numpy() / (2 + 0.6 / 3 * summed) ** 0.75).float())
