"""Quantization and back."""

import torch
from torch2trt.testing import Case, f32

from .decomposed import ALL, NONE, POINTS, SCALES, TIES, N, With, X

PARAMETERS = {"s": torch.tensor(0.1), "z": torch.tensor(0, dtype=torch.int32)}
#: by channels, PyTorch quantizes what no int64 holds to the lowest number
FINITE = TIES[:, :600]


aten = torch.ops.aten


def fake(target, call, inputs=X, dynamic=N, **more):
    return Case(f"torch.fake_quantize_per_{target}_affine", call, inputs, dynamic=dynamic, **more)


def of_all(scale, zero_point=0, low=-128, high=127):
    return lambda x: torch.fake_quantize_per_tensor_affine(x, scale, zero_point, low, high)


def of_channels(axis, points=NONE, low=-128, high=127):
    return lambda x: torch.fake_quantize_per_channel_affine(x, SCALES, points.to(torch.int32), axis, low, high)


def _learned(x):
    return torch.fake_quantize_per_tensor_affine(x, x.amax() / 127, torch.tensor(3, dtype=torch.int32), -128, 127)


CASES = [
    fake("tensor", of_all(0.02), dtypes=ALL),
    fake("tensor", of_all(0.25), [TIES], None, name="ties"),
    fake("tensor", of_all(0.1), [TIES], None, name="of_tenths"),
    fake("tensor", of_all(0.1, low=-127), [TIES], None, name="narrow"),
    fake("tensor", of_all(0.1, 7), [TIES], None, name="zero_point"),
    fake("tensor", of_all(0.02, 128, 0, 255), dtypes=ALL, name="uint8"),
    fake("tensor", of_all(0.1), [f32()], None, name="scalar"),
    fake(
        "tensor",
        With(lambda x, s, z: torch.fake_quantize_per_tensor_affine(x, s, z, -128, 127), **PARAMETERS),
        dtypes=(torch.float32,),
        name="of_tensors",
    ),
    fake("tensor", _learned, dtypes=(torch.float32,), name="of_runtime_tensors"),
    fake("channel", of_channels(1), dtypes=ALL),
    fake("channel", of_channels(0), [FINITE.expand(4, -1)], None, name="ties"),
    fake("channel", of_channels(0, POINTS), [FINITE.expand(4, -1)], None, name="zero_points"),
    fake("channel", of_channels(2, NONE + 3, 0, 15), [f32(2, 3, 4)], {1: "n"}, name="last"),
    fake(
        "channel",
        lambda x: torch.fake_quantize_per_channel_affine(x, SCALES, SCALES, 1, 0, 15),
        rejects="whole",
        name="fractions",
    ),
    Case(
        "aten.fake_quantize_per_tensor_affine.default",
        lambda x: aten.fake_quantize_per_tensor_affine.default(x, 0.1, 3, -128, 127),
        X,
    ),
    Case(
        "aten.fake_quantize_per_tensor_affine.tensor_qparams",
        With(lambda x, s, z: aten.fake_quantize_per_tensor_affine.tensor_qparams(x, s, z, -128, 127), **PARAMETERS),
        X,
        dtypes=(torch.float32,),
    ),
    Case(
        "aten.fake_quantize_per_channel_affine.default",
        lambda x: aten.fake_quantize_per_channel_affine.default(x, SCALES, NONE.int(), 1, -128, 127),
        X,
    ),
]
