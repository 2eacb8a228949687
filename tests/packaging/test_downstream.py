"""Three packs of others pass their own tests beside the installed core: what it promises to packs, it keeps."""

import json
import shutil

import pytest
from release import CORE, ROOT, environment_like_this
from torch2trt.cli import app
from typer.testing import CliRunner

from .conftest import build, pip, run

pytestmark = pytest.mark.slow
#: the tests of a pack, and then what it lacks, in one process
CHECKED = """
import sys, pytest
if status := pytest.main(["-q", "-W", "error", "-p", "no:cacheprovider"]):
    sys.exit(status)
print()
sys.argv[1:] = ["packs", "--check", "--json"]
from torch2trt.cli import main
main()
"""


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """Two that ``torch2trt new-pack`` wrote."""
    folder = tmp_path_factory.mktemp("packs")
    for name, options in (("plain", []), ("my-lab", ["--operator"])):
        done = CliRunner().invoke(app, ["new-pack", name, "--folder", str(folder / name), *options])
        assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def environment(wheels, packs, tmp_path_factory):
    """What their users have: wheels of the core, of the packs that it brings, and of theirs."""
    built = tmp_path_factory.mktemp("built")
    for wheel in wheels.glob("*.whl"):
        shutil.copy(wheel, built)
    build(built, packs / "plain", packs / "my-lab")
    for package in packs.glob("*/torch2trt_ops_*"):
        shutil.rmtree(package)  # the wheel is tested, not the folder
    python = environment_like_this(tmp_path_factory.mktemp("env") / "venv", [CORE, "pytest"])
    names = ["torch2trt-ops-plain", "torch2trt-ops-my-lab", "torch2trt-ops-example", "torch2trt-ops-base"]
    pip(python, "install", "--no-index", "--find-links", built, *names)
    return python


@pytest.mark.parametrize(("name", "other", "tests"), [("plain", "my_lab", 9), ("my-lab", "plain", 12)])
def test_a_new_pack_passes_its_tests_and_lacks_nothing(name, other, tests, packs, environment):
    # both override one built-in converter, so their users block one of the two
    done = run(environment, "-c", CHECKED, cwd=packs / name, TORCH2TRT_BLOCK=f"{other},example")
    assert done.returncode == 0, done.stdout + done.stderr
    said, _, listed = done.stdout.partition("\n\n")
    assert f"{tests} passed" in said
    (row,) = [row for row in json.loads(listed) if row["pack"] == name.replace("-", "_")]
    assert (row["distribution"], row["version"], row["lacks"]) == (f"torch2trt-ops-{name}", "0.1.0", [])


def test_the_example_pack_passes_its_tests(environment, tmp_path):
    shutil.copytree(ROOT / "tests/example", tmp_path / "example")
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "example/test_example.py")
    done = run(environment, "-m", "pytest", *options, cwd=tmp_path, TORCH2TRT_BLOCK="plain,my_lab")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
