"""The rows of what the pack keeps TensorRT from fusing; engines were wrong there, the interpreter never was."""

import torch
import torch2trt
from torch2trt.testing import parametrize

from .fusions import CASES, Model


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
