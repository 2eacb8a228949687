"""Repositories for NVIDIA Triton: what is written, what the model does with requests, and a server that runs them."""

import importlib.util
import json
import os
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
import torch2trt
from torch2trt import Input
from torch2trt.cli import app
from torch2trt.cli.serve_repository import _MODEL
from torch2trt.cli.triton_config import DTYPES, config_of, text_of
from torch2trt.serving.tensors import Interface, Tensor
from typer.testing import CliRunner

from . import triton_backend

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from triton_server import FOLDER, serving

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.FallbackWarning")


def run(*arguments):
    return CliRunner().invoke(app, ["serve-repository", *map(str, arguments)])


class Scores(torch.nn.Module):
    """A row of scores and a number for each row."""

    def forward(self, x, scale):
        return {"scores": x * scale, "best": x.argmax(-1)}


def rows(*sizes):
    return Input(min=(1, *sizes), opt=(2, *sizes), max=(8, *sizes))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files that run without a GPU: PyTorch runs all of them."""
    folder = tmp_path_factory.mktemp("files")
    length = Input(min=(1, 2), opt=(2, 4), max=(8, 6))
    for name, model, inputs, calls in (
        ("scores", Scores().eval(), [length, rows(1)], ["aten.mul.Tensor", "aten.argmax.default"]),
        ("mean", lambda x: x - x.mean(0), [rows(4)], ["aten.mean.dim", "aten.sub.Tensor"]),
        (
            "number",
            lambda x, n: (x * n, x.sum()),
            [rows(4), torch.tensor(2.0)],
            ["aten.mul.Tensor", "aten.sum.dim_IntList"],
        ),
    ):
        torch2trt.convert(model, inputs, fallback=True, run_in_torch=calls, cache=False).save(folder / f"{name}.trt")
    return folder


CONFIG = """\
name: "scores"
backend: "python"
max_batch_size: 8
input {
  name: "x"
  data_type: TYPE_FP32
  dims: [-1]
}
input {
  name: "scale"
  data_type: TYPE_FP32
  dims: [1]
}
output {
  name: "scores"
  data_type: TYPE_FP32
  dims: [-1]
}
output {
  name: "best"
  data_type: TYPE_INT64
  dims: [1]
}
instance_group {
  count: 2
  kind: KIND_CPU
}
dynamic_batching {}
parameters {
  key: "FORCE_CPU_ONLY_INPUT_TENSORS"
  value { string_value: "no" }
}
"""


def test_a_repository_has_the_file_its_configuration_and_its_model(files, tmp_path):
    done = run(files / "scores.trt", tmp_path / "repository", "--name", "scores", "--instances", 2)
    assert done.exit_code == 0, done.stderr
    folder = tmp_path / "repository" / "scores"
    assert (folder / "config.pbtxt").read_text() == CONFIG
    assert (folder / "1" / "model.py").read_text() == _MODEL.read_text()
    assert (folder / "1" / "model.trt").read_bytes() == (files / "scores.trt").read_bytes()
    assert sorted(os.listdir(tmp_path / "repository")) == ["scores"]
    again = run(files / "scores.trt", tmp_path / "repository", "--name", "scores")
    assert again.exit_code == 1
    assert "is there already; take another --name" in again.stderr
    single = run(files / "scores.trt", tmp_path / "repository", "--name", "single", "--max-batch-size", 0, "--json")
    written = json.loads(single.stdout)
    assert (written["rows"], written["inputs"][0]["dims"]) == (0, [-1, -1])
    assert "dynamic_batching" not in (tmp_path / "repository" / "single" / "config.pbtxt").read_text()


def test_an_engine_is_run_on_every_gpu(tmp_path):
    torch2trt.convert(torch.relu, [torch.ones(2, 4)], cache=False).save(tmp_path / "relu.trt")
    done = run(tmp_path / "relu.trt", tmp_path / "repository", "--name", "relu")
    assert done.exit_code == 0
    assert "each request is a call of its own: the first size of input 'input_0' does not vary" in done.stderr
    text = (tmp_path / "repository" / "relu" / "config.pbtxt").read_text()
    assert "kind: KIND_GPU" in text
    assert "max_batch_size: 0\n" in text
    assert "dims: [2, 4]" in text


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--name", "../up"], 2, "is no name for a model"),
        (["--name", ".hidden"], 2, "is no name for a model"),
        (["--name", "scores", "--max-batch-size", "9"], 1, "one call takes up to 8 rows, not 9"),
        (["--name", "scores", "--instances", "0"], 2, "--instances"),
    ],
)
def test_what_cannot_be_written_is_refused(files, tmp_path, options, status, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    done = run(files / "scores.trt", tmp_path / "repository", *options)
    assert (done.exit_code, words in done.stderr) == (status, True), done.stderr
    assert not os.listdir(tmp_path)


def test_every_dtype_of_files_has_a_name_in_triton():
    from torch2trt.dtypes import _CARRIERS, _NAMES, short_name

    assert {short_name(dtype) for dtype in (*_NAMES, *_CARRIERS)} - DTYPES.keys() == {"float8_e4m3fn"}
    eight = Interface((Tensor("x", "float8_e4m3fn", (2,)),), (), 0, "")
    with pytest.raises(torch2trt.InputError, match="'x' is float8_e4m3fn, which Triton has not"):
        config_of("x", eight, None, 1, on_gpu=True)


def test_names_of_anybodys_file_stay_names():
    odd = Interface((Tensor('x" } output { "', "float32", (2,)),), (), 0, "")
    assert 'name: "x\\" } output { \\""' in text_of(config_of("x", odd, None, 1, on_gpu=True))


@pytest.fixture
def model(monkeypatch, files, tmp_path):
    """Makes the model of a file, as Triton does."""
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton_backend)

    def make(name):
        assert run(files / f"{name}.trt", tmp_path, "--name", name).exit_code == 0
        spec = importlib.util.spec_from_file_location(f"{name}_model", tmp_path / name / "1" / "model.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made = module.TritonPythonModel()
        batch = int((tmp_path / name / "config.pbtxt").read_text().partition("max_batch_size: ")[2].split()[0])
        made.initialize(
            {
                "model_config": json.dumps({"max_batch_size": batch}),
                "model_instance_kind": "CPU",
                "model_instance_device_id": "0",
                "model_repository": str(tmp_path / name),
                "model_version": "1",
            }
        )
        return made

    return make


def test_the_model_answers_each_request_with_what_it_asks_for_or_its_error(model):
    def request(count, length, *wanted):
        given = {"x": torch.randn(count, length), "scale": torch.full((count, 1), 2.0)}
        return triton_backend.InferenceRequest(given, list(wanted))

    requests = [request(2, 4, "best", "scores"), request(1, 7, "scores"), request(3, 4, "scores")]
    first, second, third = model("scores").execute(requests)
    assert [(one.named, one.values.shape) for one in first.output_tensors] == [("best", (2, 1)), ("scores", (2, 4))]
    torch.testing.assert_close(first.output_tensors[1].values, requests[0].tensors["x"] * 2)
    torch.testing.assert_close(third.output_tensors[0].values, requests[2].tensors["x"] * 2)
    assert (second.output_tensors, str(second.error).partition(": ")[0]) == ([], "InputError")
    assert "has size 7 in dimension 1" in str(second.error)


def test_numbers_have_one_element_in_triton(model):
    given = {"x": torch.ones(3, 4), "n": torch.tensor([5.0])}
    (response,) = model("number").execute([triton_backend.InferenceRequest(given, ["output_0", "output_1"])])
    assert [one.values.shape for one in response.output_tensors] == [(3, 4), (1,)]
    assert [one.values.flatten()[0].item() for one in response.output_tensors] == [5, 12]


def test_the_model_does_not_gather_rows_that_depend_on_each_other(model):
    with pytest.raises(torch2trt.InputError, match="--max-batch-size 0"):
        model("mean")


def infer(port, name, **tensors):
    inputs = [
        {"name": key, "datatype": "FP32", "shape": list(value.shape), "data": value.flatten().tolist()}
        for key, value in tensors.items()
    ]
    url = f"http://127.0.0.1:{port}/v2/models/{name}/infer"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps({"inputs": inputs}).encode())) as answer:
            outputs = json.load(answer)["outputs"]
    except urllib.error.HTTPError as error:
        return json.load(error)["error"]
    return {one["name"]: torch.tensor(one["data"]).reshape(one["shape"]) for one in outputs}


@pytest.fixture
def server(files, tmp_path):
    """A Triton server with all of them."""
    for name, instances in (("scores", 2), ("mean", 1), ("number", 1)):
        options = ("--name", name, "--instances", instances)
        assert run(files / f"{name}.trt", tmp_path / "repository", *options).exit_code == 0
    with serving(tmp_path / "repository", tmp_path / "log") as (port, _):
        yield port, tmp_path / "log"


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason="there is no Triton server in build/triton; run make triton")
def test_a_server_answers(server):
    port, log = server
    x, scale = torch.randn(8, 4), torch.rand(8, 1)
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda i: infer(port, "scores", x=x[i : i + 1], scale=scale[i : i + 1]), range(8)))
    torch.testing.assert_close(torch.cat([one["scores"] for one in answers]), x * scale)
    assert torch.equal(torch.cat([one["best"] for one in answers]).flatten(), x.argmax(-1))
    assert "has size 7 in dimension 1" in infer(port, "scores", x=torch.ones(1, 7), scale=torch.ones(1, 1))
    answer = infer(port, "number", x=torch.ones(3, 4), n=torch.tensor([5.0]))
    assert answer["output_1"].tolist() == [12]
    assert "has no available versions" in infer(port, "mean", x=torch.ones(1, 4))
    assert "depend on the other rows of a call" in log.read_text()
