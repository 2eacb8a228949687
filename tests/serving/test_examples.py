"""The examples of ``examples/serving`` answer requests, right ones and wrong ones at once."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from .small import model

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from triton_server import free_port

EXAMPLES = Path(__file__).parents[2] / "examples/serving"
RAY = """
import ray, time
from ray import serve
from ray_serve import application
from small import module
ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": PORT})
serve.run(application(module, replicas=2, gpus=0))
time.sleep(600)
"""
LIT = """
import litserve
from lit_serve import Model
from small import module
litserve.LitServer(Model(module), accelerator="cpu").run(host="127.0.0.1", port=PORT, generate_client_file=False)
"""


def post(url, values):
    request = urllib.request.Request(url, json.dumps(values).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def server(request, tmp_path):
    """A process that runs the code of an example, and the address where it answers."""
    package, code, path = request.param
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed; pip install --group dev --group serving")
    port, log = free_port(), tmp_path / "log"
    (tmp_path / "main.py").write_text(
        f"if __name__ == '__main__':\n    PORT = {port}{code.replace(chr(10), chr(10) + '    ')}"
    )
    folders = [str(EXAMPLES), str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "RAY_USAGE_STATS_ENABLED": "0"}
    with log.open("wb") as file:
        # a session of its own, with all processes that it starts
        process = subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=tmp_path,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}{path}"
    try:
        for _ in range(300):
            try:
                if post(url, {"input": [[0, 0, 0, 0]]})[0] == 200:
                    break
            except (OSError, ValueError):
                pass
            assert process.poll() is None, log.read_text()
            time.sleep(0.3)
        else:
            pytest.fail(log.read_text())
        yield url
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    "server", [("ray", RAY, "/"), ("litserve", LIT, "/predict")], ids=["ray", "litserve"], indirect=True
)
def test_an_example_answers_each_request_with_its_result_or_its_error(server):
    inputs = [torch.randn(1 + index % 3, 4) for index in range(24)]
    inputs[7] = torch.randn(1, 5)
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda x: post(server, {"input": x.tolist()}), inputs))
    status, answer = answers.pop(7)
    assert (status, "has size 5 in dimension 1" in answer["error"]) == (400, True)
    del inputs[7]
    for x, (status, answer) in zip(inputs, answers, strict=True):
        assert status == 200
        torch.testing.assert_close(torch.tensor(answer["output_0"]), model()(x), rtol=1e-4, atol=1e-5)
    assert post(server, {"wrong": 1}) == (400, {"error": "InputError: the inputs are input; got wrong"})
