"""TensorRT plugins of packs: registered before they are needed, once a process, and asked for by name."""

import pytest
import torch
import torch2trt
from torch2trt import EngineError, Packs, convert, converter, hookimpl, lib, plugin, trt
from torch2trt.packs import plugins

from .packs import Pack, only

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


class WithPlugin:
    """A pack that registers a plugin and converts ReLU."""

    def __init__(self):
        self.events = []

        @converter("aten.relu.default")
        def relu(ctx, input):
            self.events.append("lowered")
            return lib.relu(ctx, input)

        self.relu = relu

    @hookimpl
    def torch2trt_register_converters(self, registry):
        registry.add(self.relu)

    @hookimpl
    def torch2trt_register_plugins(self, plugin_registry):
        self.events.append("registered")


def test_plugins_are_registered_before_the_first_lowering():
    pack = WithPlugin()
    convert(torch.relu, [torch.ones(2)], packs=Packs.load(extra=(pack,)), build=False)
    assert pack.events == ["registered", "lowered"]


def test_plugins_are_registered_once_a_process_not_once_for_each_packs():
    pack = WithPlugin()
    for _ in range(2):
        convert(torch.relu, [torch.ones(2)], packs=Packs.load(extra=(pack,)), build=False)
    assert pack.events.count("registered") == 1


def test_the_manifest_names_the_packs_whose_plugins_the_engine_needs():
    packs = Packs.load(extra=(WithPlugin(),))
    used = convert(torch.relu, [torch.ones(2)], packs=packs)
    assert used.manifest()["engine"]["plugins"] == [{"name": "WithPlugin", "distribution": "", "version": ""}]
    assert convert(torch.sigmoid, [torch.ones(2)], packs=packs).manifest()["engine"]["plugins"] == []


def test_loading_registers_them_and_says_where_they_are_missing(tmp_path):
    path = tmp_path / "model.trt"
    convert(torch.relu, [torch.ones(2)], packs=Packs.load(extra=(WithPlugin(),))).save(path)
    with pytest.raises(
        EngineError, match=r"needs the TensorRT plugins of the pack 'WithPlugin', which is not loaded here"
    ):
        torch2trt.load(path)
    fresh = WithPlugin()
    torch2trt.load(path, packs=Packs.load(extra=(fresh,)))
    assert fresh.events == ["registered"]


@plugin(version="7")
@torch.library.custom_op("plugin_packs::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@twice.register_fake
def _(x):
    return torch.empty_like(x)


def test_an_operators_pack_is_needed_where_it_made_a_layer_and_registers_its_creator(monkeypatch):
    monkeypatch.setattr(plugins, "has_plugin_layers", lambda: True)
    packs = only(Pack(twice))
    needed = plugins.packs_with_plugins(packs, packs.converters)
    assert needed == [{"name": "Pack", "distribution": "", "version": ""}]
    assert plugins.packs_with_plugins(packs, []) == []
    with pytest.raises(EngineError, match="needs the TensorRT plugins of the pack 'Pack', which is not loaded here"):
        plugins.require_plugins(needed, only(), "model.trt")
    for _ in range(2):  # and does not again
        plugins.require_plugins(needed, packs, "model.trt")
    assert trt.get_plugin_registry().get_creator("twice", "7", "plugin_packs").operator.overload is twice._opoverload
