"""The command line."""

import json

import pytest
import torch
from torch2trt.cli import app
from typer.testing import CliRunner


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def program(tmp_path):
    def save(model):
        exported = torch.export.export(model, (torch.randn(2, 4),), strict=False)
        torch.export.save(exported, tmp_path / "model.pt2")
        return tmp_path / "model.pt2"

    return save


def test_packs_and_converters_are_listed(run):
    assert "torch2trt-ops-base" in run("packs").stdout
    rows = json.loads(run("converters", "--json").stdout)
    assert {"target": "aten.relu.default", "pack": "base"}.items() <= next(
        r for r in rows if r["target"] == "aten.relu.default"
    ).items()
    assert "aten.relu.default" in run("converters").stdout


def test_explain_convert_and_inspect(run, program, tmp_path):
    path = program(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval())
    explained = run("explain", path, "--json")
    assert explained.exit_code == 0
    assert [row["target"] for row in json.loads(explained.stdout)] == ["aten.linear.default", "aten.relu.default"]
    assert run("convert", path, tmp_path / "model.trt").exit_code == 0
    assert json.loads(run("inspect", tmp_path / "model.trt").stdout)["signature"]["inputs"][0]["dtype"] == "float32"


def test_an_error_is_its_message_and_exit_status_1(run, tmp_path):
    path = tmp_path / "other.trt"
    path.write_bytes(b"not ours")
    done = run("inspect", path)
    assert done.exit_code == 1
    assert "EngineError: " in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_program_or_cannot_be_written_is_said_in_words(run, program, tmp_path, capfd):
    text, weights = tmp_path / "notes.txt", tmp_path / "weights.pth"
    text.write_text("hello")
    torch.save({"weight": torch.ones(2)}, weights)
    path = program(torch.nn.ReLU())
    for arguments, named in (
        (("explain", text), "notes.txt holds no program"),
        (("convert", weights, tmp_path / "x.trt"), "weights.pth holds no program"),
        (("convert", path, tmp_path / "no" / "place.trt"), "place.trt"),
        (("inspect", path), "model.pt2"),
    ):
        done = run(*arguments)
        assert done.exit_code == 1
        assert named in done.stderr
        assert "Traceback" not in done.output + capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_compare_tells_agreement_by_its_exit_status(run, program, tmp_path):
    path = program(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()).eval())
    found = run("compare", path, "--json")
    assert found.exit_code == 0
    assert [row["target"] for row in json.loads(found.stdout)["calls"]] == ["aten.linear.default", "aten.tanh.default"]
    assert "they agree" in run("compare", path).stdout
    torch.save([torch.full((2, 4), torch.nan)], tmp_path / "inputs.pt")
    assert run("compare", path, "--inputs", tmp_path / "inputs.pt", "--tolerance", 0).exit_code == 0
    torch.save([torch.randn(3, 4)], tmp_path / "inputs.pt")
    other = run("compare", path, "--inputs", tmp_path / "inputs.pt")
    assert other.exit_code == 1
    assert "InputError: input 'input' has size 3 in dimension 0" in other.stderr
    assert "holds no tensors that torch.load can read" in run("compare", path, "--inputs", path).stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about machines without a GPU")
def test_a_saved_engine_is_compared_where_it_can_run(run, program, tmp_path):
    path = program(torch.nn.Tanh())
    assert run("convert", path, tmp_path / "model.trt", "--verify").exit_code == 0
    done = run("compare", path, tmp_path / "model.trt")
    assert done.exit_code == 1
    assert "EngineError: an engine needs an NVIDIA GPU" in done.stderr
