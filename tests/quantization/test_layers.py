"""Quantized models as a whole: which layers they become, and that these build."""

import pytest
import torch
import torch.ao.quantization.fx._decomposed  # defines the operators
import torch.nn.functional as F
from torch2trt import convert

q = torch.ops.quantized_decomposed


class Quantized(torch.nn.Module):
    """A layer with quantized weights and inputs, as PT2E writes it."""

    def __init__(self, function, *shape):
        super().__init__()
        weight = torch.randn(shape)
        self.function = function
        self.register_buffer("scales", weight.flatten(1).abs().amax(1) / 127)
        self.register_buffer("zeros", torch.zeros(shape[0], dtype=torch.int64))
        codes = q.quantize_per_channel(weight, self.scales, self.zeros, 0, -127, 127, torch.int8)
        self.register_buffer("weight", codes)
        self.bias = torch.nn.Parameter(torch.randn(shape[0]))

    def forward(self, x):
        x = q.quantize_per_tensor(x, 0.02, 0, -128, 127, torch.int8)
        x = q.dequantize_per_tensor(x, 0.02, 0, -128, 127, torch.int8)
        weight = q.dequantize_per_channel(self.weight, self.scales, self.zeros, 0, -127, 127, torch.int8)
        return self.function(x, weight, self.bias)


MODELS = {
    "linear": (F.linear, (6, 4), (5, 4)),
    "linear of odd sizes": (F.linear, (5, 3), (7, 3)),
    "linear of three dimensions": (F.linear, (8, 16), (2, 5, 16)),
    "convolution": (F.conv2d, (6, 3, 3, 3), (1, 3, 6, 6)),
    "convolution of one dimension": (F.conv1d, (6, 3, 3), (1, 3, 6)),
    "transposed convolution": (F.conv_transpose2d, (6, 6, 3, 3), (1, 6, 6, 6)),
    "embedding": (lambda x, weight, bias: F.embedding(x.long().abs(), weight) + bias.sum(), (6, 4), (5,)),
}


def layers_of(module):
    network = module.network
    types = [network.get_layer(index).type for index in range(network.num_layers)]
    return [kind.name for kind in types]


@pytest.mark.parametrize("name", MODELS)
def test_quantized_models_build_and_compute_what_pytorch_does(name):
    function, weight, shape = MODELS[name]
    model, x = Quantized(function, *weight).eval(), torch.randn(shape)
    module = convert(model, [x], runtime="reference")
    torch.testing.assert_close(module(x), model(x), rtol=1e-5, atol=1e-5)
    layers = layers_of(module)
    assert layers.count("QUANTIZE") == 1
    # nothing stands between the two, which an engine fuses
    assert "CAST" not in layers or name == "embedding"
    assert layers.count("DEQUANTIZE") == 2


def test_a_model_in_quantization_aware_training_keeps_int8_layers():
    linear = torch.nn.Linear(4, 6).requires_grad_(False)

    def model(x):
        scales = linear.weight.abs().amax(1) / 127
        weight = torch.fake_quantize_per_channel_affine(linear.weight, scales, torch.zeros(6).int(), 0, -128, 127)
        return F.linear(torch.fake_quantize_per_tensor_affine(x, 0.02, 0, -128, 127), weight, linear.bias)

    x, dims = torch.randn(3, 4), ({0: torch.export.Dim("n", min=1, max=9)},)
    module = convert(model, [x], dynamic_shapes=dims, runtime="reference")
    assert {"QUANTIZE", "DEQUANTIZE"} <= set(layers_of(module))
    for rows in (x, x[:1]):
        torch.testing.assert_close(module(rows), model(rows), rtol=1e-5, atol=1e-5)


def test_an_asymmetric_model_is_computed_in_pytorchs_arithmetic():
    def model(x):
        x = q.quantize_per_tensor(x, 0.02, -11, -128, 127, torch.int8)
        return q.dequantize_per_tensor(x, 0.02, -11, -128, 127, torch.int8).relu()

    x = torch.randn(3, 40) * 3
    module = convert(model, [x], runtime="reference")
    assert torch.equal(module(x), model(x))
    assert "QUANTIZE" not in layers_of(module)


def test_a_quantized_convolution_of_an_exported_program():
    model, x = Quantized(F.conv2d, 6, 3, 3, 3).eval(), torch.randn(1, 3, 6, 6)
    module = convert(torch.export.export(model, (x,)), runtime="reference", build=False)
    torch.testing.assert_close(module(x), model(x), rtol=1e-5, atol=1e-5)
