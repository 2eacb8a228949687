"""Quantized models as engines; needs no torchao."""

import pytest
import torch
from torch2trt import convert
from torch2trt_ops_quantization import LAYERS, channel_axis, with_quantized

from .models import made, relative
from .test_engine_sizes import CONVOLUTIONS, MODELS, SIZE
from .test_layers import Quantized

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU"),
]
GREATEST = {torch.int8: 127, torch.float8_e4m3fn: 448}


def quantized(model, x, dtype):
    """The model, with ranges of one input."""
    layers = {path: one for path, one in model.named_modules() if type(one) in LAYERS}
    scales, handles = {}, []
    for path, layer in layers.items():

        def watch(_, args, path=path):
            scales[path] = args[0].abs().max() / GREATEST[dtype]

        handles.append(layer.register_forward_pre_hook(watch))
    model(x)
    for handle in handles:
        handle.remove()
    weights = {
        path: layer.weight.transpose(0, channel_axis(layer)).flatten(1).abs().amax(1) / GREATEST[dtype]
        for path, layer in layers.items()
    }
    return with_quantized(model, scales, weights, dtype)


def check(model, x):
    model, x = model.cuda(), x.cuda()
    with torch.no_grad():
        assert relative(convert(model, [x], runtime="engine")(x), model(x)) < 2e-2


@pytest.mark.parametrize("dtype", GREATEST, ids=["int8", "fp8"])
@pytest.mark.parametrize("name", ["cnn", "vit", "bert"])
@torch.no_grad()
def test_models(name, dtype):
    model, inputs = made(name)
    x = inputs()
    check(quantized(model, x, dtype), x)


@pytest.mark.parametrize("name", MODELS)
def test_weights_that_the_engine_dequantizes(name):
    check(MODELS[name]().eval(), torch.randn(4, SIZE))


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name):
    function, kernel, shape = CONVOLUTIONS[name]
    check(Quantized(function, *kernel).eval(), torch.randn(shape))


def test_a_product_of_int8():
    weight = torch.randint(-128, 128, (512, 256), dtype=torch.int8).cuda()

    def model(x):
        return torch._int_mm(x.clamp(-128, 127).to(torch.int8), weight)

    x = torch.randint(-128, 128, (32, 512)).float().cuda()
    assert torch.equal(convert(model, [x], runtime="engine")(x), model(x))
