"""``torch2trt cache``."""

import json
import os

import pytest
from torch2trt.cache.store import Store
from torch2trt.cli import app
from torch2trt.network.engines import Engines
from torch2trt.runtime.engine import Engine
from typer.testing import CliRunner


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "1G")
    monkeypatch.setenv("TORCH2TRT_CACHE", str(tmp_path / "default"))
    return tmp_path / "default"


def entries(folder):
    return sorted(path.name for path in folder.glob("*.engine"))


def run(*arguments):
    return CliRunner().invoke(app, ["cache", *map(str, arguments)])


def test_the_command_lists_and_prunes(folder):
    assert run("path").stdout.strip() == str(folder)
    assert json.loads(run("list", "--json").stdout) == []
    engines = Engines(Store(folder, 2**20))
    for digit in "01":
        engines[digit * 64] = Engine(b"engine", "rtx", "1", {"calls": [{"source": "model.py:3"}, {"source": ""}]})
    rows = json.loads(run("list", "--json").stdout)
    assert [(row["kind"], row["of"]["calls"]) for row in rows] == [("engine", 2)] * 2
    listed = run("list").stdout
    assert rows[0]["key"][:12] in listed
    assert "2 entries" in listed
    os.utime(folder / f"{rows[1]['key']}.engine", (1, 1))
    assert [row["key"] for row in json.loads(run("prune", "--days", 1, "--json").stdout)] == [rows[1]["key"]]
    assert "0 entries removed" in run("prune", "--size", "1G").stdout
    assert "1 entries removed" in run("prune", "--size", rows[0]["bytes"] - 1).stdout
    assert entries(folder) == []


def test_the_command_removes_all_of_a_folder_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "0")  # what is there can be removed all the same
    engines = Engines(Store(tmp_path, 2**20))
    engines["0" * 64] = Engine(b"engine", "rtx", "1")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / f"{'1' * 64}.kernels").write_bytes(b"damaged")
    assert "damaged" in run("list", "--folder", tmp_path).stdout
    assert "2 entries removed" in run("prune", "--all", "--folder", tmp_path).stdout
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["prune"], 2, "--all"),
        (["prune", "--days", "-1"], 2, "--days"),
        (["prune", "--size", "much"], 1, "--size='much' is no size"),
        (["list", "--folder", __file__], 2, "is a file"),
        (["lst"], 2, "No such command"),
    ],
)
def test_wrong_use_is_one_error_without_a_traceback(arguments, status, said):
    done = run(*arguments)
    assert done.exit_code == status
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_a_limit_that_is_no_size_is_said_by_the_command(monkeypatch):
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "much")
    done = run("list")
    assert (done.exit_code, "TORCH2TRT_CACHE_LIMIT" in done.stderr) == (1, True)
