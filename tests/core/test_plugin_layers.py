"""``ctx.add_plugin``: creators by name, and fields of plain Python values."""

import numpy as np
import pytest
import torch
from torch2trt import ConversionError, PackError, convert, converter, hookimpl, trt
from torch2trt.plugins.creators import has_plugin_layers, make_plugin
from torch2trt.plugins.fields import data_of, field_of

from .packs import Pack, with_installed

ON_RTX = pytest.mark.skipif(has_plugin_layers(), reason="networks of this TensorRT take plugins")


class _Plugin(trt.IPluginV3):
    def __init__(self, fields):
        trt.IPluginV3.__init__(self)
        self.fields = fields


class _Creator(trt.IPluginCreatorV3One):
    """Says which fields it has, and makes a plugin that knows what it was given; none for the number 13."""

    def __init__(self):
        trt.IPluginCreatorV3One.__init__(self)
        self.name, self.plugin_version, self.plugin_namespace = "LayerTests", "3", "lab"
        kinds = {"whole": "INT32", "long": "INT64", "ratio": "FLOAT32", "mode": "CHAR", "brain": "BF16", "dims": "DIMS"}
        self._fields = [
            trt.PluginField(name, np.zeros(0, np.int32), getattr(trt.PluginFieldType, kind))
            for name, kind in kinds.items()
        ] + [trt.PluginField("anything")]
        self.field_names = trt.PluginFieldCollection(self._fields)

    def create_plugin(self, name, fields, phase):
        assert phase == trt.TensorRTPhase.BUILD
        given = {field.name: (field.type.name, np.asarray(field.data).tolist()) for field in fields}
        return None if given.get("whole") == ("INT32", [13]) else _Plugin(given)


_creator = _Creator()
trt.get_plugin_registry().register_creator(_creator, "lab")


def given(**fields):
    return make_plugin("LayerTests", "3", "lab", fields)[0].fields


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("whole", 7, ("INT32", [7])),
        ("whole", True, ("INT32", [1])),
        ("whole", [1, 2], ("INT32", [1, 2])),
        ("whole", torch.tensor([[1, 2], [3, 4]]), ("INT32", [1, 2, 3, 4])),
        ("whole", torch.float16, ("INT32", [int(trt.float16)])),
        ("whole", [], ("INT32", [])),
        ("long", 2**40, ("INT64", [2**40])),
        ("long", np.int8(5), ("INT64", [5])),
        ("ratio", 2, ("FLOAT32", [2.0])),
        ("ratio", 0.1, ("FLOAT32", [float(np.float32(0.1))])),
        ("ratio", torch.tensor(0.5, dtype=torch.bfloat16), ("FLOAT32", [0.5])),
        ("mode", "max", ("CHAR", [109, 97, 120])),
        ("mode", "", ("CHAR", [])),
        ("anything", 3, ("INT32", [3])),
        ("anything", 2**40, ("INT64", [2**40])),
        ("anything", [0.5, 1], ("FLOAT32", [0.5, 1.0])),
        ("anything", torch.tensor([5], dtype=torch.int8), ("INT8", [5])),
        ("anything", np.array([1.5]), ("FLOAT64", [1.5])),
        ("anything", "on", ("CHAR", [111, 110])),
    ],
)
def test_a_field_is_what_its_creator_says_or_else_what_the_value_is(name, value, field):
    assert given(**{name: value}) == {name: field}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (torch.tensor([1.0, -2.0], dtype=torch.bfloat16), ("BF16", [0x3F80, 0xC000 - 0x10000])),
        (torch.tensor([1.0], dtype=torch.float8_e4m3fn), ("FP8", [0x38])),
        (torch.tensor([0.5], dtype=torch.float16), ("FLOAT16", [0.5])),
    ],
)
def test_what_the_binding_does_not_read_back_goes_as_its_bits(value, field):
    data, kind = data_of("x", value)
    made = field_of("x", data, kind)
    assert (kind, data.tolist()) == field
    assert (made.type.name, made.size) == (kind, len(data))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"whole": 2**31}, r"field 'whole' is INT32, and \[2147483648\] is not"),
        ({"whole": 0.5}, r"field 'whole' is INT32, and \[0.5\] is not"),
        ({"ratio": 1e300}, r"field 'ratio' is FLOAT32, beyond which \[1e\+300\] is"),
        ({"whole": "x"}, "field 'whole' is INT32, and 'x' is a string"),
        ({"mode": 3}, "field 'mode' is CHAR, which no plain value is; got 3"),
        ({"dims": [2, 3]}, "field 'dims' is DIMS, which no plain value is"),
        ({"anything": object}, "field 'anything' is a type; a plugin field is a number"),
        (
            {"ration": 1.0},
            r"lab::LayerTests of version 3 has no field 'ration'; its fields are: whole, .*mean 'ratio'\?",
        ),
        ({"whole": 13}, "the creator of the plugin lab::LayerTests of version 3 makes none of the fields"),
    ],
)
def test_what_does_not_fit_is_named(fields, why):
    with pytest.raises(ConversionError, match=why):
        given(**fields)


@pytest.mark.parametrize(
    ("creator", "near"),
    [
        (("LayerTest", "3", "lab"), "lab::LayerTests of version 3"),
        (("LayerTests", "4", "lab"), "lab::LayerTests of version 3"),
        (("LayerTests", "3", ""), "lab::LayerTests of version 3"),
    ],
)
def test_a_missing_creator_is_named_with_those_that_are_near(creator, near):
    with pytest.raises(ConversionError, match=rf"no plugin creator .*{creator[0]} .*is registered; there are {near}"):
        make_plugin(*creator, {})


@converter("aten.relu.default")
def relu(ctx, input):
    return ctx.add_plugin("LayerTests", "3", [input], {"whole": 7}, namespace="lab").get_output(0)


@ON_RTX
def test_a_network_without_plugins_says_so_and_names_the_cure():
    with pytest.raises(ConversionError, match=r"take no plugins.* give the converter requires='tensorrt'"):
        convert(torch.relu, [torch.ones(2)], packs=with_installed(Pack(relu)))


def test_the_layer_gets_tensors_of_the_network_and_the_plugin(monkeypatch):
    added = []

    def add_plugin_v3(network, inputs, shape_inputs, plugin):
        added.append((inputs, shape_inputs, plugin.fields))
        return network.add_identity(inputs[0])

    @converter("aten.relu.default")
    def with_a_constant(ctx, input):
        layer = ctx.add_plugin("LayerTests", "3", [input, torch.ones(2), 3], {"whole": 7}, "lab", shape_inputs=[input])
        return layer.get_output(0)

    monkeypatch.setattr(trt.INetworkDefinition, "add_plugin_v3", add_plugin_v3, raising=False)
    convert(torch.relu, [torch.ones(2)], packs=with_installed(Pack(with_a_constant)), build=False)
    ((inputs, shape_inputs, fields),) = added
    assert [(tuple(one.shape), one.dtype) for one in inputs] == [
        ((2,), trt.float32),
        ((2,), trt.float32),
        ((), trt.int64),
    ]
    assert shape_inputs == inputs[:1]
    assert fields == {"whole": ("INT32", [7])}


def test_the_manifest_names_the_pack_whose_creator_a_converter_of_another_pack_asks_for(monkeypatch):
    class Owner:
        @hookimpl
        def torch2trt_register_plugins(self, plugin_registry):
            self.creator = _Creator()
            self.creator.name = "OwnersPlugin"
            plugin_registry.register_creator(self.creator, "lab")

    class Other(Owner):
        @hookimpl
        def torch2trt_register_plugins(self, plugin_registry): ...

    @converter("aten.relu.default")
    def of_another(ctx, input):
        return ctx.add_plugin("OwnersPlugin", "3", [input], namespace="lab").get_output(0)

    monkeypatch.setattr(
        trt.INetworkDefinition,
        "add_plugin_v3",
        lambda network, inputs, *_: network.add_identity(inputs[0]),
        raising=False,
    )
    packs = with_installed(Pack(of_another), Owner(), Other())
    module = convert(torch.relu, [torch.ones(2)], packs=packs)
    assert [pack["name"] for pack in module.manifest()["engine"]["plugins"]] == ["Owner"]


def test_other_fields_are_another_engine_in_the_cache(monkeypatch):
    fields = {"whole": 7}

    @converter("aten.relu.default")
    def with_fields(ctx, input):
        return ctx.add_plugin("LayerTests", "3", [input], fields, "lab").get_output(0)

    monkeypatch.setattr(
        trt.INetworkDefinition,
        "add_plugin_v3",
        lambda network, inputs, *_: network.add_identity(inputs[0]),
        raising=False,
    )
    cache = {}
    for fields["whole"] in (7, 8, 7):
        convert(torch.relu, [torch.ones(2)], packs=with_installed(Pack(with_fields)), cache=cache)
    assert len(cache) == 2


def test_a_library_that_cannot_be_loaded_is_named_with_its_pack(tmp_path):
    class Lab:
        @hookimpl
        def torch2trt_register_plugins(self, plugin_registry):
            plugin_registry.load_library(str(tmp_path / "liblab.so"))

    # why is in TensorRT's log, which is that of whoever made the first one of the process
    with pytest.raises(PackError, match=r"pack Lab: the library of plugins .*liblab\.so is not loaded:"):
        convert(torch.relu, [torch.ones(2)], packs=with_installed(Lab()), build=False)
