"""``use_onnx=True``, another way into an engine, and ``int8_mode=True``, a network that quantizes."""

import pytest
import torch
import torchvision
from torch2trt import CaptureError, ConversionError, InputError, torch2trt, trt
from torch2trt.classic.int8 import quantized
from torch2trt.dataset import ListDataset, TensorBatchDataset

ON_CPU = {"runtime": "reference", "build": False}
GPU = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU, and PyTorch sees none here"
)

#: ten models with every kind of layer that convolutional networks are made of
MODELS = """
squeezenet1_0 resnet18 squeezenet1_1 mobilenet_v3_large mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 mnasnet0_5 regnet_y_400mf
efficientnet_b0
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", [MODELS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in MODELS[1:])])
def test_torchvision_models_by_onnx(name):
    model = getattr(torchvision.models, name)(weights=None).eval()
    x = torch.randn(1, 3, 64, 64)
    module = torch2trt(model, [x], use_onnx=True, **ON_CPU)
    with torch.no_grad():
        expected = model(x)
        actual = module(x)
    largest = expected.abs().max().item()
    torch.testing.assert_close(actual, expected, rtol=1e-3, atol=1e-4 * largest)
    assert largest > 0


class Nested(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, x, ids, scale=2.0):
        y = self.linear(x)
        return {"y": y * scale, "more": [ids + 1, (y.sum(1), None)]}


def test_nested_dynamic_inputs_and_outputs_by_onnx():
    model, x, ids = Nested().eval(), torch.randn(2, 4), torch.arange(6).reshape(2, 3)
    module = torch2trt(model, [x, ids], use_onnx=True, max_batch_size=4, input_names=["x", "ids"], **ON_CPU)
    for batch in (1, 2, 4):
        x, ids = torch.randn(batch, 4), torch.arange(3 * batch).reshape(batch, 3)
        actual, expected = module(x, ids=ids), model(x, ids)
        torch.testing.assert_close(actual["y"], expected["y"])
        assert actual["more"][0].dtype is torch.int64
        assert actual["more"][0].equal(expected["more"][0])
        assert actual["more"][1][1] is None
    assert (module.input_names, module.output_names) == (["x", "ids"], ["output_0", "output_1", "output_2"])
    with pytest.raises(InputError, match="has size 5 in dimension 0"):
        module(torch.ones(5, 4), torch.ones(5, 3, dtype=torch.int64))
    by_name = torch2trt(model, {"x": torch.randn(2, 4), "ids": torch.ones(2, 3).long()}, use_onnx=True, **ON_CPU)
    assert by_name(ids=torch.ones(2, 3).long(), x=torch.ones(2, 4))["y"].shape == (2, 3)


def test_fp16_mode_by_onnx_computes_in_float16_and_keeps_the_borders():
    model, x = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()).eval(), torch.randn(3, 64)
    module = torch2trt(model, [x], use_onnx=True, fp16_mode=True, **ON_CPU)
    actual, expected = module(x), model(x)
    assert actual.dtype is torch.float32
    error = (actual - expected).abs().max().item()
    assert 0 < error < 1e-2
    assert model[0].weight.dtype is torch.float32


def test_an_engine_by_onnx_is_saved_and_built_for_its_range(tmp_path):
    module = torch2trt(Nested().eval(), [torch.randn(2, 4), torch.ones(2, 3).long()], use_onnx=True, max_batch_size=2)
    module.save(tmp_path / "model.trt")
    assert module.manifest()["signature"]["inputs"][0]["ranges"][0] == [1, 2, 2]


class Unknown(torch.nn.Module):
    def forward(self, x):
        return torch.linalg.eigvalsh(x)


class Ignoring(torch.nn.Module):
    def forward(self, x, y):
        return x + 1


@pytest.mark.parametrize(
    ("model", "inputs", "error", "message"),
    [
        (Unknown(), [torch.eye(3)], CaptureError, "cannot export the module to ONNX"),
        (Ignoring(), [torch.ones(2), torch.ones(2)], ConversionError, "does not use input_1; leave these inputs out"),
    ],
)
def test_what_onnx_does_not_take_is_refused(model, inputs, error, message):
    with pytest.raises(error, match=message):
        torch2trt(model, inputs, use_onnx=True, **ON_CPU)


def relative(actual, expected):
    return ((actual - expected).abs().max() / expected.abs().max()).item()


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None).eval()
    items = [[torch.randn(1, 3, 64, 64)] for _ in range(4)]
    return model, ListDataset(items), torch.randn(2, 3, 64, 64)


@pytest.mark.parametrize("use_onnx", [False, True])
def test_resnet18_in_int8_agrees_with_the_model_that_quantizes_in_pytorch(resnet, use_onnx):
    model, dataset, x = resnet
    module = torch2trt(model, [x], int8_mode=True, int8_calib_dataset=dataset, use_onnx=use_onnx, **ON_CPU)
    reference = quantized(model, [x], dataset)
    with torch.no_grad():
        actual, expected, exact = module(x), reference(x), model(x)
    assert relative(actual, expected) < 2e-2
    assert 0 < relative(actual, exact) < 0.2
    kinds = [module.network.get_layer(index).type.name for index in range(module.network.num_layers)]
    assert kinds.count("QUANTIZE") >= 21  # of each convolution and of the linear layer


@pytest.mark.gpu
@GPU
def test_an_engine_in_int8_agrees_with_the_model_that_quantizes_in_pytorch(resnet):
    # of images of 64 pixels PyTorch's own results on the CPU and the GPU differ by 1.8e-2: a number that is rounded to
    # the other side changes all that comes after it, and four places are left at the end to average over
    model, items = resnet[0].cuda(), ListDataset([[torch.randn(1, 3, 224, 224).cuda()] for _ in range(4)])
    x = torch.randn(2, 3, 224, 224).cuda()
    module = torch2trt(model, [x], int8_mode=True, int8_calib_dataset=items)
    with torch.no_grad():
        assert relative(module(x), quantized(model, [x], items)(x)) < 2e-2
    layers = module.engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    assert "Int8" in layers


class Shared(torch.nn.Module):
    """One layer in two places, one that is never called, and one whose weights are read."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(4, 4, bias=False)
        self.second, self.unused = self.first, torch.nn.Linear(4, 4)

    def forward(self, x):
        return self.second(self.first(x)) * self.first.weight.abs().max()


@pytest.mark.parametrize("model", [Shared(), torch.nn.Linear(4, 3), torch.nn.Conv1d(4, 2, 3, padding=1)], ids=repr)
def test_layers_wherever_they_are(model):
    x = torch.randn(2, 4, 4)
    module = torch2trt(model.eval(), [x], int8_mode=True, **ON_CPU)
    with torch.no_grad():
        torch.testing.assert_close(module(x), quantized(model, [x])(x), rtol=1e-5, atol=1e-5)
        assert relative(module(x), model(x)) < 0.1


class Endless(torch.utils.data.Dataset):
    """Data sets of PyTorch need not raise IndexError."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return [torch.full((1, 2), float(index % 3))]


def test_scales_are_those_of_the_data():
    assert quantized(torch.nn.Linear(2, 2), None, Endless()).scale == pytest.approx(2 / 127)
    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -12.7], [0.0, 0.254]]))
    rows = TensorBatchDataset([torch.tensor([[1.0, -2.0], [6.35, 0.5]])])
    made = quantized(layer, None, rows)
    assert made.scale == pytest.approx(6.35 / 127)
    torch.testing.assert_close(made.scales, torch.tensor([[0.1], [0.002]]))
    assert made.codes.tolist() == [[10, -127], [0, 127]]
    many = [torch.cat([torch.arange(1.0, 100), torch.tensor([1000.0])]).reshape(50, 2)]
    assert quantized(layer, None, [many], 99).scale == pytest.approx(99 / 127)
    assert layer.weight[0, 1].item() == pytest.approx(-12.7)


@pytest.mark.parametrize(
    ("model", "keywords", "message"),
    [
        (torch.nn.ReLU(), {}, "finds no convolution and no linear layer"),
        (torch.relu, {}, "finds no convolution and no linear layer"),
        (torch.nn.Linear(2, 2), {"int8_calib_dataset": ListDataset()}, "int8_calib_dataset has no items"),
        (torch.nn.Linear(2, 2), {"int8_calib_algorithm": "entropy"}, "give a percentile of the magnitudes"),
    ],
)
def test_what_cannot_be_quantized_is_refused(model, keywords, message):
    with pytest.raises(InputError, match=message):
        torch2trt(model, [torch.ones(1, 2)], int8_mode=True, **keywords, **ON_CPU)


def test_int8_and_fp16_together():
    model, x = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU()).eval(), torch.randn(3, 8)
    module = torch2trt(model, [x], int8_mode=True, fp16_mode=True, int8_calib_algorithm="minmax", **ON_CPU)
    assert relative(module(x), model(x)) < 0.1
