"""Models that PT2E, torchao and NVIDIA's modelopt quantize: the conversion computes what the quantized model does."""

import dataclasses

import pytest
import torch
from torch2trt import convert

from .models import made, relative
from .test_layers import layers_of

#: of the largest output: what is rounded to the other side by a difference in the last digit makes no more
AGREES = 2e-2

pytestmark = pytest.mark.filterwarnings("ignore")


def check(quantized, x, *, layers=True):
    module = convert(quantized, [x], runtime="reference", build=False)
    with torch.no_grad():
        assert relative(module(x), quantized(x)) < AGREES
    kinds = layers_of(module)
    assert kinds.count("DEQUANTIZE") >= 4
    if layers:
        assert kinds.count("QUANTIZE") >= 4


def quantizer(symmetric):
    x86 = pytest.importorskip("torchao.quantization.pt2e.quantizer.x86_inductor_quantizer")
    config = x86.get_default_x86_inductor_quantization_config()
    if symmetric:
        spec = config.input_activation
        limits = {"dtype": torch.int8, "quant_min": -128, "quant_max": 127, "qscheme": torch.per_tensor_symmetric}
        config = dataclasses.replace(config, input_activation=dataclasses.replace(spec, **limits))
    return x86.X86InductorQuantizer().set_global(config)


@pytest.mark.parametrize(
    ("name", "symmetric"),
    [
        ("cnn", True),
        ("cnn", False),
        *(pytest.param(*row, marks=pytest.mark.slow) for row in (("vit", True), ("bert", True), ("bert", False))),
    ],
)
def test_pt2e(name, symmetric):
    pt2e = pytest.importorskip("torchao.quantization.pt2e.quantize_pt2e")
    model, inputs = made(name)
    x = inputs()
    prepared = pt2e.prepare_pt2e(torch.export.export(model, (x,)).module(), quantizer(symmetric))
    for item in (x, inputs()):
        prepared(item)
    # TensorRT has no zero points, and its layers would be others
    check(pt2e.convert_pt2e(prepared), x, layers=symmetric)


CONFIGS = {
    "int8 weights": lambda q: q.Int8WeightOnlyConfig(),
    "int8 weights in groups": lambda q: q.Int8WeightOnlyConfig(granularity=q.PerGroup(16)),
    "int8": lambda q: q.Int8DynamicActivationInt8WeightConfig(),
    "float8 weights": lambda q: q.Float8WeightOnlyConfig(),
    "int4 weights in groups": lambda q: q.IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=q.PerGroup(16)),
    "int4 weights of int8": lambda q: q.Int8DynamicActivationIntxWeightConfig(
        weight_dtype=torch.int4, weight_granularity=q.PerGroup(16)
    ),
}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        *zip(["cnn", "vit"] * 3, CONFIGS, strict=True),
        *(pytest.param("bert", config, marks=pytest.mark.slow) for config in ("int8", "int4 weights of int8")),
    ],
)
def test_torchao(name, config):
    quantization = pytest.importorskip("torchao.quantization")
    model, inputs = made(name)
    if name == "cnn":
        model.last = torch.nn.Sequential(*(torch.nn.Linear(16, 16) for _ in range(4)))
    quantization.quantize_(model, CONFIGS[config](quantization))
    check(model.eval(), inputs(), layers=config == "int8")


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("cnn", "INT8_DEFAULT_CFG"),
        ("cnn", "FP8_DEFAULT_CFG"),
        pytest.param("vit", "FP8_DEFAULT_CFG", marks=pytest.mark.slow),
        ("bert", "INT8_SMOOTHQUANT_CFG"),
        ("bert", "FP8_PER_CHANNEL_PER_TOKEN_CFG"),
    ],
)
def test_modelopt(name, config):
    quantization = pytest.importorskip("modelopt.torch.quantization", reason="nvidia-modelopt is not installed")
    model, inputs = made(name)
    x = inputs()
    with torch.no_grad():
        check(quantization.quantize(model, getattr(quantization, config), lambda model: model(x)), x)
