"""A hook may choose a converter by code; what it chooses stands in the plan like any other."""

import json

import pytest
import torch
from torch.nn import functional as F
from torch2trt import Converter, PackError, convert, explain, hookimpl, lib

from .packs import only, with_installed


def as_relu(ctx, input, *rest):
    return lib.relu(ctx, input)


class Finder:
    """Converts whatever has one of some names in its target."""

    def __init__(self, *names):
        self.names = names

    @hookimpl
    def torch2trt_find_converter(self, call):
        if any(name in call.target.name for name in self.names):
            return Converter(call.target, as_relu)
        return None


def test_the_plan_names_it_and_the_layers_carry_its_name():
    module = convert(torch.sigmoid, [torch.ones(2)], packs=with_installed(Finder("sigmoid")), build=False)
    assert module(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]
    origin = json.loads(module.network.get_layer(0).metadata)
    assert origin["pack"] == "Finder"
    assert origin["converter"].endswith("test_find_converter.as_relu")


def test_it_stands_in_plan_and_manifest():
    plan = explain(torch.sigmoid, [torch.ones(2)], packs=with_installed(Finder("sigmoid")))
    (planned,) = plan
    assert (planned.action, planned.converter.pack.name, planned.overrides) == ("convert", "Finder", ("base",))
    assert plan.convert().manifest()["engine"]["calls"][0]["pack"] == "Finder"


def test_one_installed_hook_does_not_hide_what_is_unsupported():
    plan = explain(torch.sigmoid, [torch.ones(2)], packs=only(Finder("relu")))
    assert [planned.call.target.name for planned in plan.unsupported] == ["aten.sigmoid.default"]


def test_a_call_that_pytorch_would_decompose_stays_whole_for_it():
    plan = explain(lambda x: F.silu(x) + F.mish(x), [torch.ones(2)], packs=with_installed(Finder("silu")))
    assert [planned.call.target.name for planned in plan if planned.converter.pack.name == "Finder"] == [
        "aten.silu.default"
    ]
    assert not plan.unsupported
    assert "aten.mish.default" not in {planned.call.target.name for planned in plan}


def test_one_that_declines_is_followed_by_the_next():
    class Careful(Finder):
        @hookimpl
        def torch2trt_find_converter(self, call):
            return Converter(call.target, as_relu, rejects=lambda input: "careful")

    (planned,) = explain(torch.sigmoid, [torch.ones(2)], packs=with_installed(Careful()))
    assert (planned.converter.pack.name, planned.reasons) == ("base", ("Careful: careful",))


def test_it_must_return_a_converter():
    class Confused:
        @hookimpl
        def torch2trt_find_converter(self, call):
            return as_relu

    with pytest.raises(
        PackError, match=r"Confused: torch2trt_find_converter returned a function; return .*Converter\("
    ):
        explain(torch.sigmoid, [torch.ones(2)], packs=with_installed(Confused()))
