"""The rows of what the pack keeps TensorRT from fusing; engines were wrong there, the interpreter never was."""

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt.testing import parametrize

from .fusions import CASES, IMAGE, MAP, ROWS, Model


@parametrize(CASES, pack="base")
def test_fusions(check):
    check()


def calls(function, layer, *inputs):
    plan = torch2trt.explain(Model(function, layer, layer).eval(), list(inputs))
    return [planned.call.target.name.split(".")[1] for planned in plan.calls]


def test_products_that_are_right_stay_as_they_are():
    image, conv, linear = torch.ones(1, 3, 4, 4), torch.nn.Conv2d(3, 3, 1), torch.nn.Linear(4, 4)
    assert calls(lambda m, x: (x * m.one(x) + 1).relu(), conv, image).count("mul") == 1
    assert calls(lambda m, x: m.one(x * m.one(x).sigmoid()), conv, image).count("mul") == 1
    assert calls(lambda m, x: (x * x).relu(), conv, image).count("mul") == 1
    assert "clamp" not in calls(lambda m, x: m.one(x) * m.other(x), linear, image)
    assert "clamp" not in calls(lambda m, x: m.one(x).relu() * x, linear, image)
    assert "clamp" in calls(lambda m, x: m.one(x)[..., :2].relu() * m.one(x)[..., 2:], linear, image)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
class TestOnEngines:
    """What TensorRT does if it is let, which compare and verify must find by themselves."""

    @pytest.fixture(autouse=True)
    def let(self, monkeypatch):
        monkeypatch.setattr("torch2trt_ops_base.separate", lambda graph_module: None)

    @pytest.fixture
    def gated(self):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(8, 32, 1)
        return Model(lambda m, x, y: (x * m.one(y)).relu(), layer).eval(), [MAP.make(), IMAGE.make()]

    @pytest.fixture
    def biased(self):
        torch.manual_seed(0)
        layers = torch.nn.Linear(24, 40), torch.nn.Linear(24, 40)
        return Model(lambda m, x: torch.relu(m.one(x)) * m.other(x), *layers).eval(), [ROWS.make()]

    def test_a_wrong_fusion_is_named_first_and_refused_or_mended(self, gated):
        model, inputs = gated
        found = torch2trt.compare(model, torch2trt.convert(model, inputs, runtime="engine"), inputs)
        assert (found.agrees, found.cause, found.first.planned.call.name) == (False, "engine", "relu")
        assert all(call.error is not None for call in found.calls)
        with (
            pytest.warns(torch2trt.VerificationWarning)
            if found.breaks
            else pytest.raises(torch2trt.VerificationError, match="call relu ")
        ):
            module = torch2trt.convert(model, inputs, runtime="engine", verify=True)
            given = [tensor.cuda() for tensor in inputs]
            torch.testing.assert_close(module(*given), model.cuda()(*given), rtol=1e-2, atol=1e-2)

    def test_a_bias_that_is_left_out_is_named_first(self, biased):
        model, inputs = biased
        found = torch2trt.compare(model, torch2trt.convert(model, inputs, runtime="engine"), inputs)
        assert (found.cause, found.first.planned.call.name) == ("engine", "linear")

    def test_a_bias_of_a_gate_that_is_half_of_a_product_is_named_first(self):
        torch.manual_seed(0)
        model = Model(lambda m, x: (lambda value, gate: value * gate.relu())(*m.one(x).chunk(2, -1)), nn.Linear(24, 80))
        model, inputs = model.eval(), [ROWS.make()]
        found = torch2trt.compare(model, torch2trt.convert(model, inputs, runtime="engine"), inputs)
        assert (found.cause, found.first.planned.call.name) == ("engine", "linear")

    def test_what_meets_a_part_of_itself_before_a_sum_is_named(self):
        model, inputs = (lambda x: ((x - x.mean(0)).square() * 2).sum()), [torch.randn(3, 40)]
        found = torch2trt.compare(model, torch2trt.convert(model, inputs, runtime="engine"), inputs)
        assert (found.agrees, found.cause, found.first.planned.call.name) == (False, "engine", "sub")
