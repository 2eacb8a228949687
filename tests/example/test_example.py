"""The example pack, tested as a third party would: with the kit alone."""

import torch
import torch2trt
from torch2trt.testing import Case, check_pack, f32, parametrize
from torch2trt_ops_example import clamped_swiglu, scaled_tanh

#: those of TensorRT for RTX do not
NETWORKS_TAKE_PLUGINS = hasattr(torch2trt.trt.INetworkDefinition, "add_plugin_v3")
ON_RTX = "" if NETWORKS_TAKE_PLUGINS else "take no plugins"
SWIGLU, TANH = "torch2trt_example.clamped_swiglu.default", "torch2trt_example.scaled_tanh.default"

CASES = [
    Case(SWIGLU, clamped_swiglu, [f32(2, 8, low=-9, high=9)], dynamic={0: "n"}, rejects=ON_RTX),
    Case(SWIGLU, lambda x: clamped_swiglu(x, limit=0.5), [f32(3, 2, 6)], rejects=ON_RTX, name="limit"),
    Case(TANH, lambda x: scaled_tanh(x, 1.5), [f32(2, 8)], dynamic={0: "n"}),
    Case(
        "aten.hardswish.default",
        torch.nn.functional.hardswish,
        [f32(2, 8, low=-5, high=5)],
        dynamic={0: "n"},
        dtypes=(torch.float32,),
    ),
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


def test_a_call_that_it_declines_is_the_built_in_converters():
    (planned,) = torch2trt.explain(torch.nn.Hardswish(), [torch.full((2,), 2e4, dtype=torch.float16)])
    assert planned.converter.pack.name == "base"
    assert planned.reasons == ("example: x * relu6(x + 3) is beyond float16 from x = 10918 on",)
