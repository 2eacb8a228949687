"""The files of a new pack; that it passes its own tests is tested in tests/packaging."""

import json
import os
import subprocess
import sys

import pytest
from torch2trt.cli import app
from typer.testing import CliRunner


def run(*arguments):
    return CliRunner().invoke(app, ["new-pack", *map(str, arguments)])


@pytest.mark.parametrize("options", [[], ["--operator"]], ids=["plain", "operator"])
def test_its_files_are_clean(tmp_path, options):
    folder = tmp_path / "pack"
    written = json.loads(run("my-lab", "--folder", folder, *options, "--json").stdout)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == written["files"]
    assert (folder / "torch2trt_ops_my_lab" / "operators.py").exists() == bool(options)
    text = "".join((folder / file).read_text("utf-8") for file in written["files"])
    assert ("soft_clamp" in text) == bool(options)
    assert "{{" not in text
    assert "{%" not in text
    for command in (["check", "--select", "E,F,I,B,UP,RUF,PT,ANN,D1"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, str(folder)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_it_writes_nothing_over(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "mine").touch()
    done = run("mylab", "--folder", tmp_path / "pack")
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert os.listdir(tmp_path) == ["pack"]
    assert os.listdir(tmp_path / "pack") == ["mine"]
    assert run("mylab", "--folder", tmp_path / "empty" / "below").exit_code == 0


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("MyLab", 2, "small letters and digits"),
        ("my lab", 2, "small letters and digits"),
        ("../lab", 2, "small letters and digits"),
        ("class", 2, "small letters and digits"),
        ("prims", 1, "PyTorch has operators prims::"),
        ("vision", 1, "there is a pack 'vision' of torch2trt-ops-vision already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name, status, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    done = run(name, "--operator")
    assert done.exit_code == status
    assert words in done.stderr
    assert not os.listdir(tmp_path)
