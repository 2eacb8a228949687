"""Settings: explicit, checked where they are given, and part of the plan."""

import inspect
import logging
import typing

import pytest
import torch
import torch2trt
from torch2trt import Settings, _trt, convert, explain
from torch2trt.settings import SettingsKeywords
from torch2trt.testing import check_converter

FUNCTIONS = (convert, explain, torch2trt.torch2trt, check_converter)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_public_signature_shows_them_with_types_and_defaults(function):
    shown = inspect.signature(function).parameters
    for name, field in Settings.__dataclass_fields__.items():
        assert shown[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert shown[name].default == field.default
        assert shown[name].annotation == field.type


def test_type_checkers_know_the_same_keywords():
    assert typing.get_type_hints(SettingsKeywords) == typing.get_type_hints(Settings)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_typo_is_answered_with_the_right_spelling(function):
    with pytest.raises(
        TypeError, match=rf"{function.__name__}\(\) has no argument 'precission'; did you mean 'precision'\?"
    ):
        function(torch.relu, [torch.ones(2)], precission=torch.float16)


def test_the_names_of_other_converters_are_answered_with_ours():
    with pytest.raises(
        TypeError, match="has no argument 'truncate_double'; say float64='float32', which is the default"
    ):
        explain(torch.relu, [torch.ones(2)], truncate_double=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": torch.int8}, "precision=torch.int8 is not one of None, torch.float32, torch.float16"),
        ({"precision": "float16"}, "precision='float16' is not one of None, torch.float32"),
        (
            {"runtime": "refrence"},
            "runtime='refrence' is not one of 'auto', 'engine', 'reference'; did you mean 'reference'",
        ),
        ({"float64": "float16"}, "float64='float16' is not one of 'float32', 'refuse'; did you mean 'float32'"),
        ({"float64": None}, "float64=None is not one of 'float32', 'refuse'"),
        ({"runtime": "engine", "build": False}, "runtime='engine' needs an engine; leave build=True"),
        ({"build": "no"}, "build='no' is not one of True, False"),
        ({"verbose": 2}, "verbose=2 is not one of True, False"),
        ({"progress": "bar"}, "progress='bar' is not one of None, True, False"),
        ({"random": "torch"}, "random='torch' is not one of None, 'engine', 'refuse'"),
        ({"workspace": 0}, "workspace=0 is not a number of bytes"),
        ({"workspace": "1G"}, "workspace='1G' is not a number of bytes"),
        ({"weight_streaming": -1}, "weight_streaming=-1 is not a number of bytes, 0 or more"),
        ({"weight_streaming": True}, "weight_streaming=True is not a number of bytes"),
        (
            {"kernel_specialization": "eagre"},
            "kernel_specialization='eagre' is not one of None, 'lazy', 'eager', 'none'; did you mean 'eager'",
        ),
        ({"optimization_level": 6}, "optimization_level=6 is not a level from 0 to 5"),
        (
            {"compute_capabilities": "8.6"},
            r"compute_capabilities='8.6' is one string; give a sequence of them: \('8.6',\)",
        ),
        ({"compute_capabilities": ("86",)}, "compute_capabilities has '86'; write each as a string, such as '8.6'"),
        ({"compute_capabilities": (8.6,)}, "compute_capabilities has 8.6; write each as a string, such as '8.6'"),
        ({"compute_capabilities": ("1.0",)}, "compute_capabilities has '1.0'; TensorRT builds for 7.5, 8.0"),
    ],
    ids=lambda value: "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_every_value_is_checked_where_it_is_given(settings, message):
    with pytest.raises(ValueError, match=message):
        explain(torch.relu, [torch.ones(2)], **settings)


def test_compute_capabilities_reach_the_builder():
    assert Settings(compute_capabilities=["8.6", "12.0"]).compute_capabilities == ("8.6", "12.0")
    assert convert(torch.relu, [torch.ones(2)], compute_capabilities=["8.0"]).serialized is not None


def test_kernels_are_compiled_at_calls_by_rtx_alone(monkeypatch):
    monkeypatch.setattr(_trt, "FLAVOR", "tensorrt")
    with pytest.raises(ValueError, match="kernel_specialization is for TensorRT for RTX"):
        Settings(kernel_specialization="eager")


def test_a_plan_holds_its_settings_and_converts_with_them():
    plan = explain(torch.nn.Linear(4, 4).eval(), [torch.ones(2, 4)], precision=torch.float16, build=False)
    assert plan.settings == Settings(precision=torch.float16, build=False)
    module = plan.convert()
    assert "DataType.HALF" in {
        str(module.network.get_layer(i).get_output(0).dtype) for i in range(module.network.num_layers)
    }
    assert module.serialized is None
    assert list(inspect.signature(plan.convert).parameters) == []


def test_verbose_writes_what_tensorrt_logs_to_stderr(capfd):
    logger = logging.getLogger("torch2trt.tensorrt")
    before = (logger.level, list(logger.handlers))
    convert(torch.relu, [torch.ones(2)])
    assert capfd.readouterr().err == ""
    convert(torch.relu, [torch.ones(2)], verbose=True)
    assert len(capfd.readouterr().err.splitlines()) > 3
    assert (logger.level, list(logger.handlers)) == before
