"""The modules and names that programs for NVIDIA's library import, in every order."""

import importlib
import os
import subprocess
import sys

import pytest
import torch
import torch2trt
from torch2trt import InputError

IMPORTS = [
    "import torch2trt",
    "import torch2trt.torch2trt",
    "from torch2trt import torch2trt, trt, TRTModule",
    "from torch2trt.torch2trt import *",
    "from torch2trt.torch2trt import TRTModule, tensorrt_converter, get_arg, torch2trt",
    "import importlib; importlib.import_module('torch2trt.torch2trt')",
]

#: runs every order in a process of its own, with PyTorch imported already
ORDERS = """
import os, sys, torch

def light():
    import torch2trt, torch2trt.torch2trt
    heavy = [name for name in sys.modules if name.startswith(("torch2trt.capture", "torch2trt.classic", "torch2trt.api"))]
    assert not heavy, heavy

def check(first):
    del sys.modules["torch2trt"], sys.modules["torch2trt.torch2trt"]
    for line in [first, *IMPORTS]:
        scope = {}
        exec(line, scope)
        exec("import torch2trt; function = torch2trt.torch2trt", scope)
        exec("from torch2trt import torch2trt", scope)
        assert scope["function"] is scope["torch2trt"], (first, line)
        assert type(scope["torch2trt"]).__name__ == "function", (first, line)

def alone(function, *arguments):
    child = os.fork()
    if child == 0:
        function(*arguments)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, arguments

alone(light)
from torch2trt.torch2trt import *  # what is slow to import, once
for line in IMPORTS:
    alone(check, line)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, to import PyTorch once")
def test_the_function_is_found_in_every_order_of_imports():
    code = f"IMPORTS = {IMPORTS!r}\n{ORDERS}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


STAR = """
torch_dtype_to_trt torch_dtype_from_trt torch_device_from_trt torch_device_to_trt trt_version torch_version
torch_dim_resolve_negative torch_dim_to_trt_axes check_torch_dtype add_trt_constant set_layer_precision make_int_wrapper
make_size_wrapper IntWrapper SizeWrapper wrap_ints use_shape_wrapping default_input_names default_output_names
trt_num_inputs trt_num_outputs get_module_qualname device_type_str infer_dynamic_axes trt_int_dtype ConversionHook
attach_converter NetworkWrapper get_conversion_context load_plugins Dataset ListDataset TensorBatchDataset FolderDataset
DatasetCalibrator DEFAULT_CALIBRATION_ALGORITHM Flattener Flatten Unflatten CONVERTERS tensorrt_converter get_arg trt_
add_missing_trt_tensors broadcast_trt_tensors add_module_test ConversionContext TRTModule torch2trt
torch nn F trt np
""".split()  # noqa: SIM905


@pytest.mark.parametrize("place", ["torch2trt", "torch2trt.torch2trt", "torch2trt.utils"])
def test_every_name_of_the_star_import_is_there(place):
    module = importlib.import_module(place)
    assert not [name for name in STAR if not hasattr(module, name)]
    if place == "torch2trt.torch2trt":
        assert set(STAR) == set(module.__all__) - {"MODULE_TESTS", "ModuleTest"}


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("trt_module", "TRTModule"),
        ("dataset", "FolderDataset TensorBatchDataset ListDataset Dataset"),
        ("flattener", "Flattener"),
        ("module_test", "add_module_test MODULE_TESTS"),
        ("calibration", "TensorBatchDataset DatasetCalibrator DEFAULT_CALIBRATION_ALGORITHM"),
        ("converters", "convert_relu"),
        ("converters.native_converters", "convert_relu convert_sigmoid"),
    ],
)
def test_names_are_where_the_classic_library_has_them(module, names):
    imported = importlib.import_module(f"torch2trt.{module}")
    assert not [name for name in names.split() if not hasattr(imported, name)]


def test_a_converter_that_is_not_there_says_where_they_are():
    from torch2trt.converters import native_converters

    with pytest.raises(AttributeError, match="no converter 'convert_nothing'; built-in converters are in packs"):
        _ = native_converters.convert_nothing


@pytest.mark.parametrize("name", ["DatasetCalibrator", "ConversionHook", "NetworkWrapper", "attach_converter"])
def test_what_cannot_come_back_says_what_to_do_instead(name):
    gone = getattr(torch2trt, name)
    with pytest.raises(InputError, match=f"{name}: "):
        gone(None, None, None, None)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="toch2trt"):
        _ = torch2trt.toch2trt


def test_versions_compare_by_their_numbers():
    version = torch2trt.trt_version()
    assert version >= "7.0"
    assert version >= "10.0"
    assert not version < "8"
    assert version == torch2trt.trt.__version__


def test_a_row_of_add_module_test_runs_in_the_test_kit():
    from torch2trt.module_test import MODULE_TESTS, add_module_test
    from torch2trt.testing import check_converter

    @add_module_test(torch.float32, torch.device("cuda"), [(1, 3, 8, 8)], max_batch_size=3)
    def small():
        return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())

    row = MODULE_TESTS.pop()
    assert row.module_name().endswith("small")
    variants = list(row.case().variants())
    assert [variant.dynamic for variant in variants] == [False, True]
    for variant in variants:
        check_converter(variant)


def test_datasets_and_flatteners(tmp_path):
    from torch2trt.dataset import FolderDataset, ListDataset, TensorBatchDataset

    module = torch.nn.Linear(4, 2)
    recorded = FolderDataset(tmp_path / "calibration")
    with recorded.record(module):
        module(torch.ones(2, 4))
        module(torch.zeros(5, 4))
    assert len(recorded) == 2
    torch.testing.assert_close(recorded[1], (torch.zeros(5, 4),))
    assert (recorded.min_shapes(), recorded.max_shapes()) == (((2, 4),), ((5, 4),))
    assert recorded.infer_dynamic_axes(flat=True) == [[0]]

    rows = TensorBatchDataset([torch.arange(6.0).reshape(3, 2)])
    rows.insert([torch.ones(1, 2)])
    assert len(rows) == 4
    assert rows[3][0].tolist() == [[1.0, 1.0]]

    nested = ListDataset([{"b": torch.ones(1), "a": (torch.ones(2), 3)}])
    assert nested.shapes() == [{"a": ((2,), None), "b": (1,)}]
    flattener = torch2trt.Flattener.from_value(nested[0])
    again = torch2trt.Flattener.from_dict(flattener.dict())
    assert [tuple(t.shape) for t in again.flatten(nested[0])] == [(2,), (1,)]
    flat = torch2trt.Flatten(lambda x, y: {"sum": x + y}, None, torch2trt.Flattener({"sum": 0}, 1))
    assert flat(torch.ones(1), torch.ones(1))[0].tolist() == [2.0]
