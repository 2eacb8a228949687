"""Requests of many clients to servers of a small model, of which one process is killed in the middle.

Sixteen clients send 10,000 requests over the loopback to two replicas, each with a few rows of its own; when half of
them are answered, one replica is killed with SIGKILL.  Every answer is held against PyTorch.  A request is lost where
its client has no answer at the end.  With Ray Serve no client asks twice: the ``Front`` of the example does.  Triton
gives an error to what a killed process had begun, so its clients ask again, and the record says how often.  The
replicas of Ray Serve run the interpreter; those of Triton, which load a file, run what PyTorch runs of it.  How fast
they are says little: the clients are on the same two cores, and Ray gives its processes the lowest priority.

    pip install --group serving
    make triton
    python benchmarks/serving.py --json benchmarks/results/serving_cpu.json
"""

import argparse
import contextlib
import http.client
import itertools
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch2trt
from harness import record
from triton_server import free_port
from triton_server import serving as triton_server

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples/serving"
WIDTH, ROWS = 16, 4
ASKED_BY_TRITONS_CLIENTS = 20


def model() -> torch.nn.Module:
    """A small model, the same in every process."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, 64), torch.nn.ReLU(), torch.nn.Linear(64, 8)).eval()


def converted(**settings: Any) -> torch2trt.TRTModule:
    """The same, converted for up to 32 rows."""
    warnings.simplefilter("ignore")
    rows = torch2trt.Input(min=(1, WIDTH), opt=(4, WIDTH), max=(32, WIDTH))
    return torch2trt.convert(model(), {"input": rows}, cache=False, **settings)


def interpreted() -> torch2trt.TRTModule:
    """What a replica of Ray Serve makes."""
    return converted(runtime="reference", build=False)


def in_torch() -> torch2trt.TRTModule:
    """What is in the file that Triton serves."""
    return converted(fallback=True, run_in_torch=["aten.linear.default", "aten.relu.default"])


@dataclass(frozen=True)
class Server:
    """Where a model answers, how, and which processes may be killed."""

    name: str
    port: int
    path: str
    #: from rows to the text of a request
    asked: Callable[[torch.Tensor], str]
    #: from the JSON of an answer to rows
    answered: Callable[[Any], torch.Tensor]
    #: how often a client asks
    attempts: int
    replicas: Callable[[], list[int]]


@dataclass
class Counts:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: int = 0
    asked_again: int = 0


@contextlib.contextmanager
def ray_serve() -> Iterator[Server]:
    """Two replicas of the example for Ray Serve."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(EXAMPLES), *sys.path])  # of the replicas
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    sys.path.insert(0, str(EXAMPLES))
    import ray
    from ray import serve
    from ray_serve import application

    port = free_port()
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(application(interpreted, replicas=2, gpus=0))
        yield Server(
            f"Ray Serve {ray.__version__}",
            port,
            "/",
            lambda rows: json.dumps({"input": rows.tolist()}),
            lambda answer: torch.tensor(answer["output_0"]),
            1,
            lambda: processes("ray::ServeReplica:default:Model"),
        )
    finally:
        ray.shutdown()


@contextlib.contextmanager
def triton() -> Iterator[Server]:
    """Two instances of a repository that ``torch2trt serve-repository`` wrote."""
    from torch2trt.cli import app

    def asked(rows: torch.Tensor) -> str:
        given = {"name": "input", "datatype": "FP32", "shape": list(rows.shape), "data": rows.flatten().tolist()}
        return json.dumps({"inputs": [given]})

    with tempfile.TemporaryDirectory() as folder:
        file, repository = Path(folder, "small.trt"), Path(folder, "models")
        in_torch().save(file)
        command = ["serve-repository", str(file), str(repository), "--name", "small", "--instances", "2"]
        app(command, standalone_mode=False)
        with triton_server(repository, Path(folder, "log")) as (port, process):
            yield Server(
                "Triton 2.51.0",
                port,
                "/v2/models/small/infer",
                asked,
                lambda answer: torch.tensor(answer["outputs"][0]["data"]).reshape(answer["outputs"][0]["shape"]),
                ASKED_BY_TRITONS_CLIENTS,
                lambda: processes("triton_python_backend_stub", process.pid),
            )


def processes(name: str, parent: int | None = None) -> list[int]:
    """The processes whose commands have ``name``, of one parent if given."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line, status = (folder / "cmdline").read_bytes().decode(errors="replace"), (folder / "status").read_text()
            if name in line.partition("\0")[0] and (parent is None or f"\nPPid:\t{parent}\n" in status):
                found.append(int(folder.name))
    return found


def client(server: Server, numbers: Iterator[int], requests: int, expected: torch.nn.Module, counts: Counts) -> None:
    """One client: the next request, until there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    while (number := next(numbers)) < requests:
        generator = torch.Generator().manual_seed(number)
        rows = torch.randn(1 + number % ROWS, WIDTH, generator=generator)
        began, problem = time.perf_counter(), ""
        for attempt in range(server.attempts):
            counts.asked_again += attempt > 0
            try:
                connection.request("POST", server.path, server.asked(rows), {"Content-Type": "application/json"})
                response = connection.getresponse()
                text = response.read().decode()
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
                connection.close()
                continue
            problem = "" if response.status == 200 else f"{response.status} {text[:200]}"
            if not problem:
                break
            time.sleep(0.1)
        counts.seconds.append(time.perf_counter() - began)
        if problem:
            counts.lost.append(problem)
            continue
        with torch.no_grad():
            right = torch.allclose(server.answered(json.loads(text)), expected(rows), rtol=1e-4, atol=1e-5)
        counts.wrong += not right


def measure(server: Server, clients: int, requests: int) -> dict[str, Any]:
    """Let the clients ask, and kill one replica when half of the requests are answered."""
    counts, numbers, expected = Counts(), itertools.count(), model()
    before, killed = server.replicas(), []

    def kill() -> None:
        while len(counts.seconds) < requests // 2:
            time.sleep(0.01)
        killed.append(before[0])
        os.kill(before[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    began = time.perf_counter()
    killer.start()
    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(client, server, numbers, requests, expected, counts) for _ in range(clients)]:
            done.result()
    took = time.perf_counter() - began
    killer.join()
    after = server.replicas()
    milliseconds = sorted(1000 * one for one in counts.seconds)
    return {
        "server": server.name,
        "clients": clients,
        "requests": len(counts.seconds),
        "replicas": len(before),
        "killed": len(set(killed) - set(after)),
        "replicas_at_the_end": len(after),
        "lost": len(counts.lost),
        "wrong": counts.wrong,
        "asked_again_by_clients": counts.asked_again,
        "errors": sorted(set(counts.lost))[:5],
        "requests_per_second": round(requests / took, 1),
        "milliseconds": {
            "median": round(statistics.median(milliseconds), 2),
            "99%": round(milliseconds[int(0.99 * len(milliseconds))], 2),
            "longest": round(milliseconds[-1], 2),
        },
    }


def main() -> None:
    """Run the servers that were asked for."""
    servers = {"ray": ray_serve, "triton": triton}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", nargs="+", choices=servers, default=list(servers))
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--json", help="a file for the rows")
    options = parser.parse_args()
    rows = []
    for name in options.servers:
        with servers[name]() as server:
            rows.append(measure(server, options.clients, options.requests))
        print(json.dumps(rows[-1], indent=1), flush=True)
    record(options.json, rows)
    if any(row["lost"] or row["wrong"] or not row["killed"] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
