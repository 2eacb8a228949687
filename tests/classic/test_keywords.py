"""Every keyword of the classic function: its meaning, or one clear line where TensorRT has dropped it."""

import inspect
import warnings

import pytest
import torch
import torch2trt
from torch2trt import ClassicWarning, InputError, trt
from torch2trt.dataset import ListDataset

ON_CPU = {"runtime": "reference", "build": False}
MODEL = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
X = torch.randn(1, 4)

ORDER = """
module inputs input_names output_names log_level fp16_mode max_workspace_size strict_type_constraints keep_network
int8_mode int8_calib_dataset int8_calib_algorithm use_onnx default_device_type dla_core gpu_fallback device_types
min_shapes max_shapes opt_shapes onnx_opset max_batch_size avg_timing_iterations
""".split()  # noqa: SIM905


def converted(model=MODEL, inputs=(X,), **keywords):
    return torch2trt.torch2trt(model, inputs, **{**ON_CPU, **keywords})


def same(module, *inputs, model=MODEL):
    torch.testing.assert_close(module(*inputs), model(*inputs), rtol=1e-4, atol=1e-4)


def test_the_parameters_stand_in_the_classic_order():
    assert list(inspect.signature(torch2trt.torch2trt).parameters)[: len(ORDER)] == ORDER


@pytest.mark.parametrize(
    "keywords",
    [
        {"log_level": trt.Logger.ERROR},
        {"log_level": trt.Logger.WARNING},
        {"log_level": trt.Logger.Severity.INTERNAL_ERROR},
        {"max_workspace_size": 1 << 25},
        {"strict_type_constraints": True},
        {"keep_network": False},
        {"int8_mode": False, "int8_calib_dataset": None, "int8_calib_algorithm": None, "int8_calib_batch_size": 1},
        {"use_onnx": False, "onnx_opset": None},
        {"default_device_type": trt.DeviceType.GPU, "dla_core": 0, "gpu_fallback": True, "device_types": {}},
    ],
    ids=lambda keywords: next(iter(keywords)),
)
def test_keywords_at_values_that_change_nothing(keywords):
    module = converted(**keywords)
    same(module, X)
    assert (module.input_names, module.output_names) == (["input_0"], ["output_0"])


def test_a_verbose_log_level_shows_what_tensorrt_does():
    module = converted(log_level=trt.Logger.VERBOSE)
    assert module.lowered.plan.settings.verbose


def test_fp16_mode_computes_in_float16():
    module = converted(fp16_mode=True)
    assert module.lowered.plan.settings.precision is torch.float16
    assert module(X).dtype is torch.float32


@pytest.mark.parametrize("size", [0, 32, 1 << 5, 1 << 15])
def test_a_tiny_workspace_is_the_default_with_a_notice(size):
    with pytest.warns(ClassicWarning, match=f"max_workspace_size={size} is less than a network can be built in"):
        module = converted(max_workspace_size=size)
    assert module.lowered.plan.settings.workspace is None


def test_the_workspace_is_in_bytes():
    assert converted(max_workspace_size=1 << 25).lowered.plan.settings.workspace == 1 << 25


@pytest.mark.parametrize("keywords", [{"max_batch_size": 2}, {"min_shapes": [(1, 4)], "max_shapes": [(2, 4)]}])
def test_a_range_that_ends_at_two(keywords):
    module = converted(**keywords)
    for size in (1, 2):
        same(module, torch.randn(size, 4))
    with pytest.raises(InputError, match="built for 1 to 2"):
        module(torch.randn(3, 4))


def test_a_batch_size_below_that_of_the_example():
    module = converted(inputs=[torch.randn(8, 4)], max_batch_size=4)
    same(module, torch.randn(3, 4))
    assert module.signature.inputs[0].ranges[0] == (1, 4, 4)


def test_min_opt_and_max_shapes():
    module = converted(min_shapes=[(1, 4)], opt_shapes=[(3, 4)], max_shapes=[(6, 4)])
    assert module.signature.inputs[0].ranges[0] == (1, 3, 6)
    with pytest.raises(InputError, match="one shape for each of 1 inputs"):
        converted(min_shapes=[(1, 4), (1, 4)], max_shapes=[(6, 4)])


class Two(torch.nn.Module):
    def forward(self, image, mask):
        return {"sum": image + mask, "nested": (image * 2, [mask - 1])}


@pytest.mark.parametrize("kind", [tuple, list, dict, ListDataset, "items"])
def test_inputs_of_every_kind(kind):
    image, mask = torch.randn(2, 4), torch.randn(2, 4)
    inputs = {
        tuple: (image, mask),
        list: [image, mask],
        dict: {"image": image, "mask": mask},
        ListDataset: ListDataset([(image, mask)]),
        "items": ListDataset([(image, mask), (torch.ones(5, 4), torch.ones(5, 4))]),
    }[kind]
    module = converted(Two(), inputs)
    batch = 4 if kind == "items" else 2
    given = torch.randn(batch, 4), torch.randn(batch, 4)
    call = {"image": given[0], "mask": given[1]} if kind is dict else {}
    actual, expected = module(**call) if call else module(*given), Two()(*given)
    torch.testing.assert_close(actual["sum"], expected["sum"])
    torch.testing.assert_close(actual["nested"], expected["nested"])
    assert module.input_names == ["input_0", "input_1"]
    assert module.output_names == ["output_0", "output_1", "output_2"]


def test_an_empty_data_set_is_refused():
    with pytest.raises(InputError, match="data set of inputs is empty"):
        converted(inputs=ListDataset())


def test_names_are_those_of_the_engines_tensors():
    module = converted(
        Two(), [X, X], input_names=["images:0", "mask"], output_names=["a", "b", "c.1"], max_batch_size=3, build=True
    )
    network = module.network
    assert [network.get_input(i).name for i in range(2)] == module.input_names == ["images:0", "mask"]
    assert [network.get_output(i).name for i in range(3)] == module.output_names == ["a", "b", "c.1"]
    torch.testing.assert_close(module(X, mask=X)["sum"], X + X)
    with pytest.raises(InputError, match="input 'image' has size 4"):
        module(torch.ones(4, 4), torch.ones(4, 4))
    manifest = module.manifest()
    assert manifest["signature"]["tensor_names"] == [["image", "images:0"]]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"input_names": ["a", "b"]}, "input_names needs 1 names"),
        ({"output_names": "y"}, "output_names needs 1 names"),
        ({"input_names": ["y"], "output_names": ["y"]}, "different names; y is of several"),
        ({"input_names": ["y"], "output_names": ["y"], "use_onnx": True}, "different names; y is of several"),
        ({"refittable": True}, "refittable=True is for torch2trt.convert"),
        ({"use_onnx": True, "precision": "mixed"}, "precision='mixed' and keep_fp32 decide for the calls of a plan"),
        ({"use_onnx": True, "verify": True}, "leave one of them out, or hold the module against the model"),
        ({"default_device_type": trt.DeviceType.DLA}, "names a DLA, which TensorRT for RTX"),
        ({"device_types": {MODEL: trt.DeviceType.DLA}}, "device_types names a DLA"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(keywords, message):
    with pytest.raises(InputError, match=message):
        converted(**keywords)


def test_verify_and_renamed_tensors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module = converted(input_names=["a"], output_names=["b"], verify=True, max_batch_size=3)
    assert torch2trt.compare(MODEL, module, [X]).agrees


@pytest.fixture
def own_converters():
    before = set(torch2trt.CONVERTERS)
    yield
    for name in set(torch2trt.CONVERTERS) - before:
        del torch2trt.CONVERTERS[name]
    for name in [name for name in before if torch2trt.CONVERTERS[name].pack.name == "user"]:
        del torch2trt.CONVERTERS[name]


def test_converters_get_the_keywords_that_the_function_does_not_know(own_converters):
    asked = []

    @torch2trt.tensorrt_converter("torch.nn.ReLU.forward")
    def convert_relu(ctx):
        asked.append((ctx.torch2trt_kwargs, ctx.current_module_name(), ctx.builder_config, ctx.logger))
        layer = ctx.network.add_activation(ctx.method_args[1]._trt, trt.ActivationType.RELU)
        torch2trt.set_layer_precision(ctx, layer)
        ctx.method_return._trt = layer.get_output(0)

    same(converted(qat_mode=True, fp16_mode=False, threshold=0.5), X)
    keywords, module_name, config, logger = asked[0]
    assert (keywords["qat_mode"], keywords["threshold"], keywords["fp16_mode"]) == (True, 0.5, False)
    assert keywords["module"] is MODEL
    assert module_name == "1"
    assert isinstance(logger, trt.ILogger)
    assert not config.get_flag(trt.BuilderFlag.TF32)
    with pytest.raises(AttributeError, match="torch2trt_configure_build"):
        config.set_flag(trt.BuilderFlag.TF32)
    torch2trt.convert(MODEL, [X], **ON_CPU)
    assert asked[1][0] == {"fp16_mode": False, "int8_mode": False}


def test_a_close_typo_is_no_keyword_of_a_converter():
    with pytest.raises(TypeError, match=r"no argument 'fp16_mod'; did you mean 'fp16_mode'"):
        converted(fp16_mod=True)


def test_avg_timing_iterations_says_where_it_went():
    with pytest.warns(ClassicWarning, match="torch2trt_configure_build"):
        converted(avg_timing_iterations=4)


def test_a_half_model_takes_and_returns_halves():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval().half()
    module = converted(model, [X.half()], fp16_mode=True)
    assert module(X.half()).dtype is torch.float16
    with pytest.raises(InputError, match="must be float16, got float32"):
        module(X)


def test_a_model_in_training_mode_is_refused_where_that_matters():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout())
    with pytest.raises(torch2trt.Torch2TRTError, match="eval"):
        converted(model.train())
    same(converted(model.eval()), X, model=model)
