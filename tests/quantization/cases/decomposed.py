"""Operators of ``quantized_decomposed``: int8 results are compared exactly."""

import math

import torch
import torch.ao.quantization.fx._decomposed  # defines the operators
from torch2trt.testing import Case, Sample, f32

N = {0: "n"}
ALL = (torch.float32, torch.float16, torch.bfloat16)
q = torch.ops.quantized_decomposed
#: every tie between two numbers, and what lies beyond all of them
TIES = torch.cat([torch.arange(-300, 300) * 0.125, torch.tensor([math.inf, -math.inf, math.nan, 3e38])])[None]
SCALES = torch.tensor([0.02, 0.25, 0.013, 0.7])
POINTS = torch.tensor([3, 0, -7, 100])
NONE = torch.zeros(4, dtype=torch.int64)
SMALL, ROW = Sample((2, 4), torch.int8, -128, 128), Sample((4,), torch.int8, -128, 128)


class With(torch.nn.Module):
    """A function of its input and buffers."""

    def __init__(self, function, **buffers):
        super().__init__()
        self.function, self.names = function, list(buffers)
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer)

    def forward(self, x):
        return self.function(x, *[getattr(self, name) for name in self.names])


def per_tensor(scale, zero_point=0, low=-128, high=127, dtype=torch.int8):
    return lambda x: q.quantize_per_tensor(x, scale, zero_point, low, high, dtype)


def back(scale, zero_point=0, dtype=torch.int8, **more):
    info = torch.iinfo(dtype)
    return lambda x: q.dequantize_per_tensor(x, scale, zero_point, info.min, info.max, dtype, **more)


def channels(axis, zero_points=NONE, low=-128, high=127, dtype=torch.int8, scales=SCALES):
    return lambda x: q.quantize_per_channel(x, scales, zero_points, axis, low, high, dtype)


def channels_back(axis, zero_points=NONE, dtype=torch.int8, **more):
    info = torch.iinfo(dtype)
    return lambda x: q.dequantize_per_channel(x, SCALES, zero_points, axis, info.min, info.max, dtype, **more)


def of_tensors(quantize, scale, zero_point):
    """A call with a scale and a zero point that are buffers."""
    call = q.quantize_per_tensor.tensor if quantize else q.dequantize_per_tensor.tensor
    return With(lambda x, s, z: call(x, s, z, -128, 127, torch.int8), s=torch.tensor(scale), z=torch.tensor(zero_point))


def case(target, call, inputs, dynamic=N, **more):
    return Case(f"quantized_decomposed.{target}", call, inputs, dynamic=dynamic, **more)


X = [f32(2, 4)]
CASES = [
    case("quantize_per_tensor.default", per_tensor(0.02), X, dtypes=ALL),
    case("quantize_per_tensor.default", per_tensor(0.25), [TIES], None, name="ties"),
    case("quantize_per_tensor.default", per_tensor(0.1), [TIES], None, name="of_tenths"),
    case("quantize_per_tensor.default", per_tensor(0.7), [TIES], None, name="of_sevenths"),
    case("quantize_per_tensor.default", per_tensor(0.1, low=-127), [TIES], None, name="narrow"),
    case("quantize_per_tensor.default", per_tensor(0.25, low=-8, high=7), [TIES], None, name="four_bits"),
    case("quantize_per_tensor.default", per_tensor(0.02), [f32(4)], name="vector"),
    case("quantize_per_tensor.default", per_tensor(0.02), [f32()], None, rejects="no scalars", name="scalar"),
    case("quantize_per_tensor.default", per_tensor(0.1, 7), [TIES], None, rejects="zero point", name="zero_point"),
    case(
        "quantize_per_tensor.default",
        per_tensor(0.02, 128, 0, 255, torch.uint8),
        [TIES],
        None,
        rejects="int8",
        name="uint8",
    ),
    case("quantize_per_tensor.default", per_tensor(-0.1), X, rejects="positive", name="negative"),
    case("quantize_per_tensor.tensor", of_tensors(True, 0.1, 0), X, dtypes=ALL),
    case("quantize_per_tensor.tensor", of_tensors(True, [0.1], [0]), [TIES], None, name="one"),
    case("quantize_per_tensor.tensor", of_tensors(True, 0.1, 5), [TIES], None, rejects="zero point", name="point"),
    case(
        "quantize_per_tensor.tensor",
        lambda x: q.quantize_per_tensor(x, x.abs().amax() / 127, NONE[0], -128, 127, torch.int8),
        X,
        rejects="run time",
        name="dynamic_scale",
    ),
    case("quantize_per_channel.default", channels(1), X, dtypes=ALL),
    case("quantize_per_channel.default", channels(0), [f32(4, 3, 2)], {1: "n"}, name="first"),
    case("quantize_per_channel.default", channels(-1, low=-127), [f32(3, 4)], name="narrow"),
    case("quantize_per_channel.default", channels(0), [TIES.expand(4, -1)], None, name="ties"),
    case(
        "quantize_per_channel.default", channels(0, POINTS), [TIES.expand(4, -1)], None, rejects="zero", name="points"
    ),
    case("quantize_per_channel.default", channels(0, NONE[:1], scales=SCALES[:1]), X, name="one"),
    case("quantize_per_channel.default", channels(1, scales=SCALES.double()), X, rejects="float32", name="double"),
    case("dequantize_per_tensor.default", back(0.02), [SMALL]),
    case("dequantize_per_tensor.default", back(0.02, out_dtype=torch.float16), [SMALL], name="half"),
    case("dequantize_per_tensor.default", back(0.02, 9), [SMALL], rejects="zero point", name="zero_point"),
    case(
        "dequantize_per_tensor.default",
        back(0.02, 9, torch.uint8),
        [Sample((2, 4), torch.uint8, 0, 256)],
        rejects="int8",
        name="uint8",
    ),
    case("dequantize_per_tensor.default", lambda x: back(0.1)(per_tensor(0.1)(x).view(-1)), X, name="view", dtypes=ALL),
    case("dequantize_per_tensor.default", With(lambda x, w: x + back(0.02)(w), w=ROW.make()), X, name="constant"),
    case(
        "dequantize_per_tensor.default",
        With(lambda x, w: x + back(0.02, 3)(w), w=ROW.make()),
        X,
        whole=False,
        name="constant_zero_point",
    ),
    case("dequantize_per_tensor.tensor", of_tensors(False, 0.1, 0), [SMALL]),
    case("dequantize_per_tensor.tensor", of_tensors(False, 0.1, 7), [SMALL], rejects="zero point", name="point"),
    case("dequantize_per_channel.default", channels_back(1), [SMALL]),
    case("dequantize_per_channel.default", channels_back(-1, None), [SMALL], name="without_points"),
    case("dequantize_per_channel.default", channels_back(1, POINTS), [SMALL], rejects="zero point", name="points"),
    case("dequantize_per_channel.default", channels_back(1, out_dtype=torch.float16), [SMALL], name="half"),
    case(
        "quantize_per_token.default",
        lambda x: q.quantize_per_token(x, x.abs().amax(1, True) / 127, NONE[:1] * x[:, :1], -128, 127, torch.int8),
        X,
        None,
        whole=False,
    ),
    case(
        "dequantize_per_token.default",
        lambda x, s: q.dequantize_per_token(x, s, s * 0, -128, 127, torch.int8, torch.float32),
        [SMALL, f32(2, 1)],
        None,
        whole=False,
    ),
    case(
        "dequantize_per_channel_group.default",
        With(
            lambda x, w, s: x + q.dequantize_per_channel_group(w, s, None, -128, 127, torch.int8, 2, torch.float32),
            w=SMALL.make(),
            s=SCALES.view(2, 2),
        ),
        X,
        None,
        whole=False,
    ),
]
