"""``torch2trt.quantize``: a copy that quantizes, which converts."""

import sys

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import Input, InputError, convert, quantize
from torch2trt_ops_quantization import Quantized, layer_costs

from .models import MODELS, made, relative
from .test_engine_sizes import MORE, engine_bytes
from .test_layers import layers_of


@pytest.fixture(autouse=True)
def torchao():
    pytest.importorskip("torchao")


@pytest.mark.parametrize("dtype", ["int8", "fp8"])
@pytest.mark.parametrize("name", MODELS)
def test_the_conversion_computes_what_the_copy_does(name, dtype):
    model, inputs = made(name)
    items = [inputs(), [inputs()]]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    quantized = quantize(model, items, dtype)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(isinstance(module, Quantized) for module in model.modules())
    count = sum(isinstance(module, Quantized) for module in quantized.modules())
    x, largest = items[0], max(len(items[0]), 5)
    given = [Input(min=(2, *x.shape[1:]), opt=tuple(x.shape), max=(largest, *x.shape[1:]), dtype=x.dtype)]
    module = convert(quantized, given, runtime="reference", build=False)
    assert layers_of(module).count("QUANTIZE") == count
    for one in (x, x[:2]):
        with torch.no_grad():
            assert relative(module(one), quantized(one)) < 1e-3
            assert 0 < relative(quantized(one), model(one)) < 0.15


@pytest.mark.parametrize("dtype", ["int8", "fp8"])
@pytest.mark.parametrize("precision", [None, torch.float16])
def test_the_engine_is_as_small_as_the_codes(dtype, precision, tmp_path):
    model = nn.Sequential(nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 512)).eval()
    x = torch.randn(4, 1024)
    module = convert(quantize(model, [x], dtype), [x], precision=precision, runtime="reference", cache=False)
    assert engine_bytes(module, tmp_path) < 1024 * 1024 + 1024 * 512 + MORE


@pytest.mark.parametrize("dtype", ["int8", "fp8"])
def test_layers_of_zeros_build(dtype):
    layer, x = nn.Linear(32, 64), torch.randn(2, 32)
    nn.init.zeros_(layer.weight)
    quantized = quantize(layer.eval(), [x, torch.zeros(2, 32)], dtype)
    module = convert(quantized, [x], runtime="reference")
    assert torch.equal(module(x), layer.bias.expand(2, 64))


def paths(model):
    return [path for path, module in model.named_modules() if isinstance(module, Quantized)]


def test_what_is_skipped_and_what_is_not_reached_stays():
    model, inputs = made("bert")
    model.unused = nn.Linear(2, 2)
    blocks = [f"blocks.1.{name}" for name in ("query", "key", "value", "out", "up", "down")]
    assert paths(quantize(model, [inputs()], skip=["blocks.0", "pooler"])) == blocks
    model, inputs = made("cnn")
    assert paths(quantize(model, [inputs()], skip=[nn.Conv2d])) == ["last"]
    assert paths(quantize(model, [inputs()], skip="last")) == ["first", "second", "grouped"]


class Keywords(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.ConvTranspose2d(2, 4, 3, stride=2)

    def forward(self, *, image):
        return self.layer(input=image)


def test_items_may_be_keywords_and_layers_transposed():
    model, x = Keywords().eval(), torch.randn(1, 2, 5, 5)
    quantized = quantize(model, [{"image": x}])
    module = convert(quantized, {"image": x}, runtime="reference", build=False)
    with torch.no_grad():
        torch.testing.assert_close(module(image=x), quantized(image=x), rtol=1e-5, atol=1e-5)


def test_one_layer_in_two_places_stays_one():
    layer = nn.Linear(4, 4)
    quantized = quantize(nn.Sequential(layer, nn.ReLU(), layer).eval(), [torch.randn(2, 4)])
    assert isinstance(quantized[0], Quantized)
    assert quantized[0] is quantized[2]
    assert isinstance(quantize(layer.eval(), [torch.randn(2, 4)]), Quantized)


LINEAR = nn.Linear(2, 2).eval()


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (LINEAR, ([],), "has no items"),
        (LINEAR, (torch.ones(1, 2),), "put them in a list"),
        (LINEAR, ([torch.ones(1, 2)], "int4"), "dtype='int4' .* 'int8' or 'fp8'"),
        (LINEAR, ([torch.ones(1, 2)], "int8", ["head"]), "skip names 'head'"),
        (LINEAR, ([torch.ones(1, 2)], "int8", [nn.Conv2d]), "skip names Conv2d"),
        (LINEAR, ([torch.tensor([[torch.inf, 0]])],), "the input of the model has infinities"),
        (nn.ReLU().eval(), ([torch.ones(1, 2)],), "no convolution and no linear layer"),
        (nn.Sequential(LINEAR, nn.Dropout()), ([torch.ones(1, 2)],), r"Dropout .*call model\.eval\(\)"),
        (torch.relu, ([torch.ones(1, 2)],), "takes a torch.nn.Module"),
    ],
    ids=["items", "a tensor", "dtype", "path", "class", "infinity", "nothing to quantize", "training", "no module"],
)
def test_what_means_nothing_is_refused(model, arguments, message):
    with pytest.raises(InputError, match=message):
        quantize(model, *arguments)


@pytest.mark.parametrize(
    ("missing", "message"),
    [("torch2trt_ops_quantization", "pip install"), ("torchao.quantization.observer", "torchao")],
)
def test_what_is_not_installed_is_named(missing, message, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=message):
        torch2trt.quantize(LINEAR, [torch.ones(1, 2)])


def test_costs_are_those_of_a_layer_and_of_all_before_it():
    model, inputs = made("vit")
    x = inputs()
    quantized = quantize(model, [x])
    costs = {cost.path: cost for cost in layer_costs(model, quantized, x)}
    assert next(iter(costs)) == "patches"
    assert set(costs) == set(paths(quantized))
    assert costs["patches"].own == costs["patches"].error > 0
    assert all(cost.own < 0.05 for cost in costs.values())
    assert costs["last"].error == relative(*(torch.no_grad()(one)(x) for one in (quantized, model)))
    assert costs["last"].error > costs["last"].own
    # of coarser numbers
    quantized.last.scale *= 8
    again = {cost.path: cost for cost in layer_costs(model, quantized, x)}
    assert again["last"].own > 2 * costs["last"].own
    assert again["patches"] == costs["patches"]
    with pytest.raises(InputError, match="no quantized layer"):
        layer_costs(model, model, x)


def test_compare_holds_the_conversion_against_the_copy():
    model, inputs = made("cnn")
    quantized = quantize(model, [inputs()])
    module = convert(quantized, [inputs()], runtime="reference", build=False)
    comparison = torch2trt.compare(quantized, module, [inputs()])
    assert comparison.agrees
    assert any("dequantize" in call.planned.call.target.name for call in comparison.calls)
