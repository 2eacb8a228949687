"""What a converted module computes never follows later changes of the model that it was made from."""

import copy

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import EngineError, converter
from torch2trt.network.lower import lower
from torch2trt.reference import interpret
from torch2trt.runtime.reference import ReferenceRunner

from .packs import Pack, with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


class Model(nn.Module):
    """Weights of every kind of layer that has some, tied ones, a buffer, an attribute, and a constant output."""

    def __init__(self):
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 3, 3)
        self.norm, self.linear = nn.BatchNorm2d(3), nn.Linear(5, 5, bias=False)
        self.tied = nn.Linear(5, 5)
        self.tied.weight = self.linear.weight
        self.register_buffer("scale", torch.randn(5))
        self.table = torch.randn(5)

    def forward(self, x):
        y = self.norm(self.up(self.conv(x)))
        return self.tied(self.linear(y) * self.scale) + self.table.t(), self.scale


def change(model):
    """Change every tensor of the model in place, also behind the back of its version counter."""
    for index, tensor in enumerate([*model.parameters(), *model.buffers(), model.table]):
        (tensor.data if index % 2 else tensor.detach()).mul_(3)


@pytest.mark.parametrize("settings", [{"build": False}, {"runtime": "reference"}, {"precision": torch.bfloat16}])
def test_weights_that_are_changed_afterwards(settings):
    model, x = Model().eval(), torch.randn(2, 3, 5, 5)
    module = torch2trt.convert(model, [x], **{"build": False, **settings})
    expected = [
        tensor.clone() for tensor in torch2trt.convert(copy.deepcopy(model), [x], **{"build": False, **settings})(x)
    ]
    change(model)
    torch.testing.assert_close(list(module(x)), expected, rtol=0, atol=0)
    change(model)
    torch.testing.assert_close(list(module(x)), expected, rtol=0, atol=0)
    torch.testing.assert_close(list(copy.deepcopy(module)(x)), expected, rtol=0, atol=0)


def test_the_network_of_a_module_has_weights_of_its_own():
    model = nn.Linear(3, 3, bias=False).eval()
    module = torch2trt.convert(model, [torch.ones(1, 3)], build=False)
    expected = model(torch.ones(1, 3)).detach()
    model.weight.data.zero_()
    (result,) = interpret(module.network, {"input": torch.ones(1, 3)}).values()
    torch.testing.assert_close(result, expected)


def test_a_network_keeps_its_weights_without_its_module():
    model = nn.Sequential(*(nn.Linear(64, 64) for _ in range(20))).eval()
    expected = model(torch.ones(1, 64)).detach()
    network = torch2trt.convert(model, [torch.ones(1, 64)], build=False).network
    del model
    others = [torch.randn(64, 64) for _ in range(40)]  # would take the memory
    (result,) = interpret(network, {"input": torch.ones(1, 64)}).values()
    torch.testing.assert_close(result, expected)
    del others


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.tensor([2.0])

    def forward(self, x):
        return x * self.scale


def test_arrays_that_a_converter_takes_from_the_module():
    @converter(f"{__name__}.Scaled.forward")
    def scaled(ctx, module, x):
        scale = ctx.network.add_constant((1,), module.scale.numpy()).get_output(0)
        return ctx.network.add_elementwise(x, scale, torch2trt.trt.ElementWiseOperation.PROD).get_output(0)

    model = Scaled()
    module = torch2trt.convert(model, [torch.ones(3)], build=False, packs=with_installed(Pack(scaled)))
    model.scale.zero_()
    assert module(torch.ones(3)).tolist() == [2, 2, 2]


def test_a_plan_has_the_weights_of_the_moment_when_it_is_converted():
    model, x = nn.Linear(3, 2).eval(), torch.ones(1, 3)
    plan = torch2trt.explain(model, [x], build=False)
    model.weight.data.mul_(2)
    module, expected = plan.convert(), model(x).detach()
    model.weight.data.zero_()
    torch.testing.assert_close(module(x), expected)


@pytest.mark.parametrize("behind_the_back", [False, True])
def test_an_interpreter_that_steps_in_for_an_engine_knows_changed_weights(behind_the_back):
    """Where an engine is expected to run nothing is copied."""
    model, x = Model().eval(), torch.randn(2, 3, 5, 5)
    plan = torch2trt.explain(model, [x])
    made = [lower(plan, plan.segments[0]) for _ in range(2)]
    unchanged, changed = [ReferenceRunner(n.network, n.builder, n.constants, copy=False) for n in made]
    expected = [tensor.detach().clone() for tensor in model(x)]
    torch.testing.assert_close(list(unchanged({"x": x}).values()), expected)
    with torch.no_grad():
        (model.conv.weight.data if behind_the_back else model.conv.weight)[0, 0, 0, 0] = 5
    # from its first call on the weights are its own
    torch.testing.assert_close(list(unchanged({"x": x}).values()), expected)
    with pytest.raises(
        EngineError, match=r"weights were changed after the conversion \(conv/aten.convolution.default#0\)"
    ):
        changed({"x": x})
    with pytest.raises(EngineError, match="convert again, with runtime='reference'"):
        _ = changed.network
