"""The pack's own operators: int8 and float8 results are compared exactly."""

import torch
from torch2trt.testing import Case, Sample, f32
from torch2trt_ops_quantization.operators import dequantize, quantize

from .decomposed import ALL, SCALES, SMALL, TIES, N, With, X

E4M3 = torch.float8_e4m3fn
TENTH = torch.tensor(0.1)


def codes(scale, low=-128, high=127):
    return With(lambda x, s: quantize(x, s, low, high, torch.int8), s=scale)


def there_and_back(scale, dtype=torch.float32):
    return With(lambda x, s: dequantize(quantize(x, s, -448, 448, E4M3), s, None, dtype), s=scale)


def numbers(scale, zero=None, dtype=torch.float32):
    return lambda x: dequantize(x, scale, zero, dtype)


def constant(scale, zero=None, dtype=torch.float32, shape=(2, 4), kind=torch.int8):
    """A sum with a constant that a layer dequantizes."""
    weight = Sample(shape, torch.int8, -128, 128).make().to(kind)
    buffers = {"w": weight, "s": scale, "z": zero}
    given = {name: value for name, value in buffers.items() if value is not None}

    def call(x, w, s=None, z=None):
        return x.to(dtype) + dequantize(w, s, z, dtype)

    return With(call, **given)


def row(target, call, inputs=X, dynamic=N, **more):
    return Case(f"torch2trt_quantization.{target}.default", call, inputs, dynamic=dynamic, **more)


CASES = [
    row("quantize", codes(TENTH), dtypes=ALL),
    row("quantize", codes(TENTH), [TIES[:, :-2]], None, name="ties"),
    row("quantize", codes(TENTH, -8, 7), [TIES[:, :-2]], None, name="narrow"),
    row("quantize", codes(SCALES), dtypes=ALL, name="channels"),
    row("quantize", codes(SCALES[:2, None], -127, 127), X, {1: "n"}, name="rows"),
    row("quantize", codes(SCALES[:2, None].repeat(1, 4) * SCALES), X, None, name="blocks"),
    row("quantize", lambda x: quantize(x, x.abs().amax(1, True) / 127, -128, 127, torch.int8), name="runtime_scale"),
    row("quantize", codes(TENTH), [f32()], None, rejects="no scalars", name="scalar"),
    row(
        "quantize",
        lambda x: quantize(x, TENTH, 0, 255, torch.uint8),
        rejects="int8 and float8",
        name="uint8",
    ),
    row("dequantize", there_and_back(TENTH), dtypes=ALL),
    row("dequantize", there_and_back(SCALES), name="channels_of_float8"),
    row("dequantize", numbers(TENTH), [SMALL], name="number"),
    row("dequantize", numbers(SCALES, dtype=torch.float16), [SMALL], name="half"),
    row("dequantize", numbers(SCALES, torch.tensor([3, 0, -7, 100])), [SMALL], name="zeros"),
    row("dequantize", numbers(None), [SMALL], name="no_scale"),
    row("dequantize", lambda x, s: dequantize(x, s, None, torch.float32), [SMALL, f32(4)], name="runtime_scale"),
    row(
        "dequantize",
        lambda x: dequantize(x, None, None, torch.float32),
        [f32()],
        None,
        rejects="no scalars",
        name="scalar",
    ),
    row("dequantize", constant(TENTH), X, None, name="constant"),
    row("dequantize", constant(SCALES[:, None].expand(4, 8), shape=(4, 8)), [f32(4, 8)], None, name="constant_rows"),
    row(
        "dequantize",
        constant(SCALES.view(2, 2).repeat_interleave(4, 1), shape=(2, 8)),
        [f32(2, 8)],
        None,
        name="constant_blocks",
    ),
    row(
        "dequantize",
        constant(SCALES.view(2, 2).repeat_interleave(4, 0), shape=(8, 2)),
        [f32(8, 2)],
        None,
        name="constant_blocks_of_rows",
    ),
    row("dequantize", constant(TENTH, torch.tensor(3)), X, None, name="constant_zero"),
    row("dequantize", constant(None, torch.tensor([[90], [-90]])), X, None, name="constant_zeros_beyond_int8"),
    row("dequantize", constant(SCALES - 0.1), X, None, name="constant_negative_scales"),
    row("dequantize", constant(SCALES, dtype=torch.bfloat16), X, None, name="constant_bfloat16"),
    row(
        "dequantize",
        constant(SCALES, kind=torch.float32),
        X,
        None,
        name="constant_of_floats",
    ),
    row(
        "dequantize",
        With(lambda x, w: x + dequantize(w, None, None, torch.float32), w=torch.tensor([0.3, 7.0, 1e5, -2.5])),
        X,
        None,
        name="constant_that_no_small_dtype_holds",
    ),
]
