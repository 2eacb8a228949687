"""Models whose parameters are tensors of tensors, as those that torchao quantizes."""

import sys

import pytest
import torch
import torch2trt
from torch import nn
from torch.utils import _pytree as pytree
from torch2trt import CaptureError, Input


class Scaled(torch.Tensor):
    """Codes of int8 times a scale, which compute as that number."""

    @staticmethod
    def __new__(cls, codes, scale):
        return torch.Tensor._make_wrapper_subclass(cls, codes.shape, dtype=scale.dtype)

    def __init__(self, codes, scale):
        self.codes, self.scale = codes, scale

    def __tensor_flatten__(self):
        return ["codes", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, inner, meta, outer_size, outer_stride):
        return cls(inner["codes"], inner["scale"])

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is nn.functional.linear:
            return func(*pytree.tree_map_only(cls, lambda one: one.codes.to(one.scale.dtype) * one.scale, args))
        return super().__torch_function__(func, types, args, kwargs)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        assert func in (torch.ops.aten.detach.default, torch.ops.aten.alias.default), func
        return cls(args[0].codes, args[0].scale)


@pytest.fixture
def model():
    layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    codes = torch.randint(-127, 128, (8, 4), dtype=torch.int8)
    layers[0].weight = nn.Parameter(Scaled(codes, torch.tensor(0.01)), requires_grad=False)
    return layers


def test_the_model_stays_as_it_is(model):
    weight, other = model[0].weight, model[2].weight
    module = torch2trt.convert(model, [Input(min=(1, 4), opt=(3, 4), max=(8, 4))], runtime="reference", build=False)
    assert type(model[0]) is nn.Linear
    assert model[0].weight is weight
    assert model[2].weight is other
    for count in (1, 3, 8):
        x = torch.randn(count, 4)
        torch.testing.assert_close(module(x), model(x))


def test_a_pytorch_that_cannot_open_them_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._functorch._aot_autograd.subclass_parametrization", None)
    with pytest.raises(CaptureError, match="parameters of the class Scaled"):
        torch2trt.explain(model, [torch.randn(2, 4)])


WEIGHTS = ("Int8WeightOnlyConfig", "Float8WeightOnlyConfig", "Int8DynamicActivationInt8WeightConfig")


@pytest.mark.parametrize("config", WEIGHTS)
@pytest.mark.filterwarnings("ignore")
def test_what_torchao_quantizes(config):
    quantization = pytest.importorskip("torchao.quantization")
    model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 32)).eval()
    quantization.quantize_(model, getattr(quantization, config)())
    inputs = [Input(min=(2, 64), opt=(4, 64), max=(40, 64))]
    module = torch2trt.convert(model, inputs, runtime="reference", build=False)
    for count in (2, 4, 40):
        x = torch.randn(count, 64)
        with torch.no_grad():
            torch.testing.assert_close(module(x), model(x), rtol=1e-4, atol=1e-4)
