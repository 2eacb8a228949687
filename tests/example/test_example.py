"""The example pack, tested as a third party would: with the kit alone."""

import torch
import torch2trt
from torch2trt.testing import Case, check_pack, f32, parametrize
from torch2trt_ops_example import scaled_tanh

CASES = [
    Case("torch2trt_example.scaled_tanh.default", lambda x: scaled_tanh(x, 1.5), [f32(2, 8)], dynamic={0: "n"}),
    Case("aten.hardswish.default", torch.nn.functional.hardswish, [f32(2, 8, low=-5, high=5)], dynamic={0: "n"}),
]


@parametrize(CASES, pack="example")
def test_converter(check):
    check()


def test_pack():
    check_pack("torch2trt_ops_example", CASES)


def test_installing_it_overrides_the_built_in_converter():
    (planned,) = torch2trt.explain(torch.nn.Hardswish(), [torch.ones(2)])
    assert planned.converter.pack.name == "example"
    assert planned.overrides == ("base",)
