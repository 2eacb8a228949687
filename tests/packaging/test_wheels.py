"""The wheels, installed by pip into an environment of their own that has only their dependencies."""

import re
import zipfile

import pytest
import torch2trt
from release import CORE, PROJECTS, ROOT, check_versions, environment_like_this

from .conftest import pip, run

pytestmark = pytest.mark.slow
RESNET = """
import warnings, torch, torch2trt, torchvision
warnings.simplefilter("ignore", torch2trt.ReferenceRuntimeWarning)
model = torchvision.models.resnet18(weights=None).eval()
x = torch.randn(1, 3, 64, 64)
module = torch2trt.convert(model, [x])
torch.testing.assert_close(module(x), model(x), rtol=1e-3, atol=1e-3)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with what the core and torchvision need, and nothing of torch2trt."""
    return environment_like_this(tmp_path_factory.mktemp("env") / "venv", [CORE, "torchvision"])


def test_a_wheel_holds_its_package_and_types_and_nothing_else(wheels):
    built = sorted(wheels.glob("*.whl"))
    assert len(built) == len(PROJECTS)
    for wheel in built:
        names = zipfile.ZipFile(wheel).namelist()
        roots = {name.partition("/")[0] for name in names}
        (package,) = [root for root in roots if not root.endswith(".dist-info")]
        assert f"{package}/py.typed" in names
        assert not any("tests" in name.split("/") for name in names)


def test_wheels_are_of_one_version_and_made_of_every_project(wheels):
    assert check_versions(wheels) == torch2trt.__version__
    (made,) = re.findall(r"^PROJECTS := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert made.replace("\\", "").split() == list(PROJECTS)


def test_core_and_vision_alone_convert_a_resnet_and_say_what_is_missing_without_vision(wheels, environment):
    pip(environment, "install", "--no-index", "--find-links", wheels, "torch2trt-core", "torch2trt-ops-vision")
    done = run(environment, "-c", RESNET)
    assert done.returncode == 0, done.stderr
    pip(environment, "uninstall", "--yes", "torch2trt-ops-vision")
    done = run(environment, "-c", RESNET)
    assert done.returncode == 1
    assert "torch2trt.errors.UnsupportedError: 41 of " in done.stderr
    assert done.stderr.count("no loaded pack has a converter of aten.convolution.default") == 20
    assert (
        done.stderr.count("no loaded pack has a converter of aten._native_batch_norm_legit_no_training.default") == 20
    )
    assert done.stderr.count("no loaded pack has a converter of aten.max_pool2d_with_indices.default") == 1
    assert "in layer1.0.conv1 (Conv2d) at resnet.py:" in done.stderr
