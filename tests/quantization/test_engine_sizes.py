"""Weights stay in their small dtype in the engine: its size says so."""

import pytest
import torch
import torch.nn.functional as F
from torch2trt import convert
from torch2trt_ops_quantization.operators import quantize

from .test_layers import Quantized, layers_of, q

SIZE = 1024
#: beside the weights: biases, scales, and what an engine is made of
MORE = 450_000


class Linear(torch.nn.Module):
    """Products with a matrix that ``weight`` computes of buffers."""

    def __init__(self, weight, **buffers):
        super().__init__()
        self.weight = weight
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer)

    def forward(self, x):
        return F.linear(x, self.weight(self))


def codes(dtype=torch.int8, low=-128, high=128):
    return torch.randint(low, high, (SIZE, SIZE)).to(dtype)


def scales(*shape):
    return torch.rand(shape or (SIZE, 1)) * 0.01 + 0.001


def packed():
    """Two numbers of four bits in one byte, in groups of 64 with a scale and a zero point each."""

    def weight(model):
        pairs = torch.stack([model.codes & 15, model.codes >> 4], -1).view(SIZE, -1, 64)
        return ((pairs.float() - model.zeros) * model.scales).view(SIZE, SIZE)

    zeros = torch.randint(0, 16, (SIZE, SIZE // 64, 1)).float()
    return Linear(
        weight, codes=codes(torch.uint8, 0, 256)[:, : SIZE // 2], scales=scales(SIZE, SIZE // 64, 1), zeros=zeros
    )


def in_training():
    def weight(model):
        return torch.fake_quantize_per_channel_affine(model.floats, model.scales, model.zeros, 0, -127, 127)

    floats = torch.randn(SIZE, SIZE)
    return Linear(weight, floats=floats, scales=floats.abs().amax(1) / 127, zeros=torch.zeros(SIZE).int())


def asymmetric():
    def weight(model):
        return q.dequantize_per_channel(model.codes, model.scales, model.zeros, 0, -128, 127, torch.int8)

    return Linear(weight, codes=codes(), scales=scales(SIZE), zeros=torch.randint(-99, 99, (SIZE,)))


MODELS = {
    "a layer quantized as PT2E does": lambda: Quantized(F.linear, SIZE, SIZE),
    "in quantization-aware training": in_training,
    "zero points": asymmetric,
    "a cast": lambda: Linear(lambda model: model.codes.float(), codes=codes()),
    "a cast times scales": lambda: Linear(lambda m: m.codes.float() * m.scales, codes=codes(), scales=scales()),
    "scales of blocks": lambda: Linear(
        lambda m: (m.codes.view(SIZE, -1, 64).float() * m.scales).view(SIZE, SIZE),
        codes=codes(),
        scales=scales(SIZE, SIZE // 64, 1),
    ),
    "scales of square blocks": lambda: Linear(
        lambda m: m.codes.float() * m.scales.repeat_interleave(128, 0).repeat_interleave(128, 1),
        codes=codes(),
        scales=scales(SIZE // 128, SIZE // 128),
    ),
    "transposed": lambda: Linear(lambda m: (m.codes.float() * m.scales).t(), codes=codes(), scales=scales()),
    "packed": packed,
    "wrapped around": lambda: Linear(
        lambda m: (m.codes - m.zeros).float() * m.scales,
        codes=codes(),
        zeros=torch.randint(0, 2, (SIZE, 1)).to(torch.int8),
        scales=scales(),
    ),
    "unsigned": lambda: Linear(
        lambda m: (m.codes.float() - 128) * m.scales, codes=codes(torch.uint8, 0, 256), scales=scales()
    ),
}


def engine_bytes(module, folder):
    module.save(folder / "engine")
    return (folder / "engine").stat().st_size


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("precision", [None, torch.float16], ids=["", "float16"])
def test_the_engine_of_a_linear_layer_is_as_small_as_its_codes(name, precision, tmp_path):
    model, x = MODELS[name]().eval(), torch.randn(4, SIZE)
    if precision is not None and name == "a cast":
        x = x * 1e-3  # float16 ends at 65504
    module = convert(model, [x], runtime="reference", precision=precision, cache=False)
    expected = model(x)
    torch.testing.assert_close(
        module(x), expected, rtol=0, atol=expected.abs().max().item() * (1e-6 if precision is None else 5e-3)
    )
    assert engine_bytes(module, tmp_path) < SIZE * SIZE + MORE


CONVOLUTIONS = {
    "convolution": (F.conv2d, (256, 128, 3, 3), (1, 128, 6, 6)),
    "convolution of one dimension": (F.conv1d, (512, 256, 3), (1, 256, 6)),
    "transposed convolution": (F.conv_transpose2d, (256, 256, 2, 2), (1, 256, 6, 6)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_the_engine_of_a_quantized_convolution_is_as_small_as_its_kernel(name, tmp_path):
    function, kernel, shape = CONVOLUTIONS[name]
    model, x = Quantized(function, *kernel).eval(), torch.randn(shape)
    module = convert(model, [x], runtime="reference", cache=False)
    torch.testing.assert_close(module(x), model(x), rtol=1e-4, atol=1e-4)
    assert engine_bytes(module, tmp_path) < torch.Size(kernel).numel() + MORE


def test_float8_is_kept_where_the_input_is_float8_too(tmp_path):
    weight = torch.randn(SIZE, SIZE).to(torch.float8_e4m3fn)
    model = Linear(lambda m: m.codes.float() * m.scales, codes=weight, scales=scales())

    def quantized(x):
        scale = torch.tensor(0.01)
        return model(quantize(x, scale, -448, 448, torch.float8_e4m3fn).float() * scale)

    x = torch.randn(4, SIZE)
    module = convert(quantized, [x], runtime="reference", cache=False)
    torch.testing.assert_close(module(x), quantized(x), rtol=1e-4, atol=1e-4)
    assert engine_bytes(module, tmp_path) < SIZE * SIZE + MORE


def test_weights_of_no_small_dtype_stay_as_they_were():
    model = Linear(
        lambda m: m.table[m.codes.long()].view(64, SIZE), table=torch.randn(256), codes=codes(torch.uint8, 0, 256)[:64]
    )
    x = torch.randn(4, SIZE)
    module = convert(model, [x], runtime="reference", build=False)
    torch.testing.assert_close(module(x), model(x), rtol=1e-5, atol=1e-4)
    assert "DEQUANTIZE" not in layers_of(module)
