"""Sixty converters in the classic style register and convert, static and dynamic, and what never runs says so."""

import importlib.util
import pathlib
import sys
import types

import pytest
import torch
import torch2trt
from torch2trt import ClassicWarning, ConversionError, PackError, trt
from torch2trt.torch2trt import CONVERTERS, make_size_wrapper, tensorrt_converter

ON_CPU = {"runtime": "reference", "build": False}
FILE = pathlib.Path(__file__).with_name("sixty.py")


def forget_own():
    for name in [name for name in CONVERTERS if CONVERTERS[name].pack.name == "user"]:
        del CONVERTERS[name]


@pytest.fixture
def own_converters():
    yield
    forget_own()


@pytest.fixture(scope="module")
def sixty():
    """The file as a script that is run, and the converted models of all of its calls."""
    spec = importlib.util.spec_from_file_location("sixty", FILE)
    script = sys.modules["sixty"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    try:
        model = script.Everything().eval()
        inputs = [torch.randn(2, 4, 6, 6), torch.randn(2, 4, 6, 6), torch.randn(2, 4)]
        static = torch2trt.torch2trt(model, inputs, **ON_CPU)
        dynamic = torch2trt.torch2trt(model, inputs, max_batch_size=5, **ON_CPU)
        yield types.SimpleNamespace(script=script, model=model, modules={"static": static, "dynamic": dynamic})
    finally:
        forget_own()
        del sys.modules["sixty"]


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_sixty_converters_compute_what_pytorch_does(sixty, kind):
    assert len(sixty.script.CALLS) >= 60
    for batch in (2,) if kind == "static" else (1, 2, 5):
        inputs = [torch.randn(batch, 4, 6, 6), torch.randn(batch, 4, 6, 6), torch.randn(batch, 4)]
        actual, expected = sixty.modules[kind](*inputs), sixty.model(*inputs)
        for name in expected:
            torch.testing.assert_close(
                actual[name], expected[name], rtol=1e-4, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
            )


def test_every_one_of_them_ran(sixty):
    assert set(sixty.script.CALLS) == sixty.script.RAN


def relu(ctx):
    layer = ctx.network.add_activation(ctx.method_args[0]._trt, trt.ActivationType.RELU)
    ctx.method_return._trt = layer.get_output(0)


@pytest.mark.parametrize(
    ("target", "more", "message"),
    [
        ("torch.Tensor.size", {"is_real": False}, "is_real=False of torch.Tensor.size has no meaning here"),
        ("mmcv.ops.roi_align", {}, "no module or operator library 'mmcv'"),
        ("torch.nn.functional.relu_removed", {}, "torch.nn.functional has no 'relu_removed'"),
        ("torch.nn.Hardswish", {}, "name its method: 'torch.nn.Hardswish.forward'"),
    ],
)
def test_a_converter_that_never_runs_registers_with_a_warning(own_converters, target, more, message):
    with pytest.warns(ClassicWarning, match=message):
        assert tensorrt_converter(target, **more)(relu) is relu
    entry = CONVERTERS[target]
    assert (entry["converter"], entry["is_real"]) == (relu, more.get("is_real", True))
    assert target in CONVERTERS
    del CONVERTERS[target]
    assert target not in CONVERTERS


def test_entries_have_the_items_of_the_classic_mapping(own_converters):
    off = tensorrt_converter("torch.relu", enabled=False)(lambda ctx: None)
    assert CONVERTERS["torch.relu"]["converter"] is not off
    tensorrt_converter("torch.nn.functional.relu", imports=["torch"])(relu)
    entry = CONVERTERS["torch.nn.functional.relu"]
    assert entry["converter"] is relu
    assert (entry["module"], entry["module_name"], entry["qual_name"]) == (
        torch.nn.functional,
        "torch.nn.functional",
        "relu",
    )
    assert (entry["method_str"], entry["method_impl"]) == ("torch.nn.functional.relu", torch.nn.functional.relu)
    assert "converter" in entry
    with pytest.raises(PackError, match="'is_real' of a registered converter is fixed"):
        entry["is_real"] = False


def test_a_built_in_converter_is_wrapped_by_one_that_is_assigned(own_converters):
    called = []
    own = CONVERTERS["torch.sigmoid"]["converter"]

    def noted(ctx):
        called.append(ctx.method_str)
        own(ctx)

    CONVERTERS["torch.sigmoid"]["converter"] = noted
    x = torch.randn(2, 3)
    module = torch2trt.torch2trt(torch.sigmoid, [x], **ON_CPU)
    torch.testing.assert_close(module(x), torch.sigmoid(x))
    assert called == ["torch.sigmoid"]
    CONVERTERS["torch.sigmoid"] = {"converter": relu, "is_real": True}
    assert CONVERTERS["torch.sigmoid"]["converter"] is relu


def test_a_stacked_converter_is_taken_out_of_one_target_alone(own_converters):
    tensorrt_converter("torch.relu")(tensorrt_converter("torch.Tensor.relu")(relu))
    del CONVERTERS["torch.relu"]
    assert CONVERTERS["torch.Tensor.relu"]["converter"] is relu
    assert CONVERTERS["torch.relu"]["converter"] is not relu


def fixes_the_batch(ctx):
    layer = ctx.network.add_shuffle(ctx.method_args[0]._trt)
    layer.reshape_dims = tuple(int(size) for size in ctx.method_args[1:])
    ctx.method_return._trt = layer.get_output(0)


class Reshaped(torch.nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], 2, 3)


def test_a_size_that_varies_is_never_fixed(own_converters):
    tensorrt_converter("torch.Tensor.reshape")(fixes_the_batch)
    x = torch.randn(2, 6)
    static = torch2trt.torch2trt(Reshaped(), [x], **ON_CPU)
    torch.testing.assert_close(static(x), x.reshape(2, 2, 3))
    with pytest.raises(ConversionError, match="fixes_the_batch fixed size 0 of its output at 2, and it varies"):
        torch2trt.torch2trt(Reshaped(), [x], max_batch_size=4, **ON_CPU)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda ctx: ctx.network.add_plugin_v2([ctx.method_args[0]._trt], None), "hook torch2trt_register_plugins"),
        (lambda ctx: ctx.network.add_fully_connected(ctx.method_args[0]._trt, 1), "network.add_matrix_multiply"),
        (lambda ctx: trt.ResizeMode.LINEAR, "it is trt.InterpolationMode now"),
        (lambda ctx: trt.CalibrationAlgoType.ENTROPY_CALIBRATION_2, "int8_calib_dataset"),
        (lambda ctx: ctx.network.has_implicit_batch_dimension, "no implicit batch"),
        (lambda ctx: None, "set no TensorRT tensor for its output"),
        (lambda ctx: ctx.method_args[0].no_such_name, "no_such_name"),
    ],
)
@pytest.mark.skipif(trt.__name__ != "tensorrt_rtx", reason="full TensorRT 10 still has some of these")
def test_what_tensorrt_has_no_longer_fails_with_the_way_on(own_converters, body, message):
    tensorrt_converter("torch.relu")(body)
    with pytest.raises(ConversionError, match=message):
        torch2trt.torch2trt(torch.relu, [torch.randn(2)], **ON_CPU)


class WithZeros(torch.nn.Module):
    def forward(self, x):
        return x + torch.zeros(3)


def test_a_constant_output_has_data(own_converters):
    seen = []

    @tensorrt_converter("torch.zeros")
    def convert_zeros(ctx):
        seen.append(ctx.method_return.detach().cpu().numpy())
        ctx.method_return._trt = ctx.network.add_constant((3,), seen[-1]).get_output(0)

    x = torch.randn(3)
    module = torch2trt.torch2trt(WithZeros(), [x], **ON_CPU)
    torch.testing.assert_close(module(x), x)
    assert [one.tolist() for one in seen] == [[0.0, 0.0, 0.0]]


def test_sizes_of_no_tensor_cannot_be_read():
    with pytest.raises(ConversionError, match="only while a classic converter runs"):
        _ = make_size_wrapper([torch2trt.IntWrapper(2)])._trt
