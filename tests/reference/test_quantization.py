"""QUANTIZE, DEQUANTIZE and DYNAMIC_QUANTIZE."""

from __future__ import annotations

import pytest
import torch
from generated.base import constant, scalar, values
from nets import close, evaluate
from torch2trt._trt import trt


@pytest.mark.parametrize(
    ("x", "scale", "layout", "want"),
    [
        (-2.04296875, 0.07708740234375, (), -26),  # the quotient is -26.502, which fp16 rounds to -26.5
        (0.78466796875, 0.04486083984375, (1,), 18),  # 17.49, but 17.5 times the fp16 reciprocal
        (-3.416015625, 0.051361083984375, (1, 1), -66),  # -66.51, divided in fp16 -66.5
    ],
)
def test_quantize_is_computed_in_the_input_s_type(x, scale, layout, want):
    """What an engine gave for three values beside a tie."""
    count = 2 if layout else 1
    scales = torch.full([count if i == 0 else extent for i, extent in enumerate(layout)], scale, dtype=torch.float16)

    def body(network, x):
        layer = network.add_quantize(x, constant(network, scales), trt.int8)
        layer.axis = 0
        if len(layout) == 2:
            layer.block_shape = (1, 16)
        return layer

    assert (evaluate(body, torch.full((2, 16), x, dtype=torch.float16)) == want).all()


def test_quantize_rounds_to_even_and_saturates():
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 126.6, 127.6, -128.4, -128.6, 1e9])

    def body(network, x):
        return network.add_quantize(x, scalar(network, 1.0, torch.float32), trt.int8)

    assert evaluate(body, x).tolist() == [0, 2, 2, 0, -2, 127, 127, -128, -128, 127]


def round_trip(target, scale, axis=None, block=None):
    def body(network, x):
        quantized = network.add_quantize(x, constant(network, scale), getattr(trt.DataType, target))
        restored = network.add_dequantize(quantized.get_output(0), constant(network, scale), x.dtype)
        for layer in (quantized, restored):
            if axis is not None:
                layer.axis = axis
            if block is not None:
                layer.block_shape = block
        return restored

    return body


def test_scales_for_an_axis_and_for_blocks():
    x = values("x", (4, 6)) * 20
    scale = torch.tensor([0.5, 1, 2, 4, 8, 16.0])
    got = evaluate(round_trip("INT8", scale, axis=1), x)
    close(got, torch.round(x / scale).clamp(-128, 127) * scale)
    scale = torch.tensor([[0.5, 1.0], [2, 4], [8, 16], [1, 1]])
    wide = scale.repeat_interleave(3, 1)
    close(evaluate(round_trip("INT8", scale, block=(1, 3)), x), torch.round(x / wide).clamp(-128, 127) * wide)


def test_four_bit_values():
    x = torch.tensor([[0.2, 0.25, 0.3, 0.75, 1.75, 2.5, 3.5, 5.0, 5.1, 7.0, -9.0, 0.0, 1.2, 1.3, -2.4, -6.0]])
    x, one = x.repeat(2, 2), torch.ones(2, 2)  # two blocks of 16 a row
    fp4 = [0.0, 0.0, 0.5, 1.0, 2.0, 2.0, 4.0, 4.0, 6.0, 6.0, -6.0, 0.0, 1.0, 1.5, -2.0, -6.0]
    assert evaluate(round_trip("FP4", one), x)[1].tolist() == fp4 * 2
    assert torch.equal(evaluate(round_trip("INT4", one), x * 2), torch.round(x * 2).clamp(-8, 7))


def test_fp8_saturates_and_rounds_to_even():
    x = torch.tensor([1.0, 1.0625, 1.1875, 448.0, 1000.0, -1e9, 0.001])
    got = evaluate(round_trip("FP8", torch.tensor(1.0)), x)
    assert got.tolist() == [1.0, 1.0, 1.25, 448.0, 448.0, -448.0, 0.001953125]


def test_dynamic_quantize_of_fp4_restores_within_half_a_step():
    x = values("x", (3, 32)) * 4

    def body(network, x):
        double = scalar(network, 0.01, torch.float32)
        layer = network.add_dynamic_quantize(x, 1, 16, trt.fp4, trt.fp8)
        layer.set_input(1, double)
        scales = network.add_dequantize(layer.get_output(1), double, trt.float32).get_output(0)
        restored = network.add_dequantize(layer.get_output(0), scales, trt.float32)
        return [restored.get_output(0), scales]

    restored, scales = evaluate(body, x)
    greatest = x.reshape(3, 2, 16).abs().amax(-1)
    close(scales, greatest / 6, rtol=0.07, atol=0)
    assert ((restored - x).abs().reshape(3, 2, 16) <= 1.07 * scales[..., None]).all()


def test_dynamic_quantize_of_fp8_has_power_of_two_scales():
    x = values("x", (2, 64)) * 100

    def body(network, x):
        layer = network.add_dynamic_quantize(x, 1, 32, trt.fp8, trt.e8m0)
        return network.add_dequantize(layer.get_output(0), layer.get_output(1), trt.float32)

    close(evaluate(body, x), x, rtol=0.07, atol=0.05)
