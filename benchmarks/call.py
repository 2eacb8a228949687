"""What a warm call costs: of a converted module, of a bare replay of its engine's graph, and of eager; needs a GPU.

All columns take turns in one process. Times are medians in microseconds, with the tenth and ninetieth percentile:
``host`` is until the call returns, ``latency`` until the GPU is done, ``device`` the time between two CUDA events
around the call, ``rate`` a call's share of many that are queued at once.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
import torch2trt
import torchvision
from gpu.columns import EagerGraph
from gpu.measure import timed
from harness import environment

ROWS = {
    "alexnet": lambda: torchvision.models.alexnet(),
    "resnet18": lambda: torchvision.models.resnet18(),
    "resnet50": lambda: torchvision.models.resnet50(),
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(),
    "vit_b_16": lambda: torchvision.models.vit_b_16(),
}
ROUNDS, CALLS, QUEUED = 5, 40, 60


def bare(module, x):
    """A replay of the engine's graph, and a copy of its input: nothing else."""
    own, session = x.clone(), module.runner
    module(x)
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.cuda.graph(graph, stream=stream):
        module(own)

    def call():
        own.copy_(x, non_blocking=True)
        graph.replay()

    call.keeps = session
    return call


def row(name: str, batch: int, dtype: torch.dtype) -> dict:
    """All columns of one model."""
    torch.manual_seed(0)
    model = ROWS[name]().eval().to(dtype)
    x = torch.randn(batch, 3, 224, 224, dtype=dtype)
    start = time.perf_counter()
    module = torch2trt.convert(model, [x], cache=False)
    converted = time.perf_counter()
    model, x = model.cuda(), x.cuda()
    module(x)
    torch.cuda.synchronize()
    first = time.perf_counter()
    plain = torch2trt.TRTModule(module._engine, signature=module.signature, cache=False)
    plain.cuda_graphs = False
    with torch.no_grad():
        columns = {
            "module": lambda: module(x),
            "module without graphs": lambda: plain(x),
            "bare replay": bare(module, x),
            "eager": lambda: model(x),
            "eager graph": EagerGraph().prepare(model, [x]),
        }
        for call in columns.values():
            for _ in range(10):
                call()
        torch.cuda.synchronize()
        found: dict[str, dict[str, list[float]]] = {}
        for _ in range(ROUNDS):
            for column, call in columns.items():
                for kind, values in timed(call, CALLS, QUEUED).items():
                    found.setdefault(column, {}).setdefault(kind, []).extend(values)
        error = (module(x).float() - model(x).float()).abs().max() / model(x).float().abs().max()
    times = {
        column: {kind: [round(_at(values, part), 1) for part in (0.5, 0.1, 0.9)] for kind, values in kinds.items()}
        for column, kinds in found.items()
    }
    return {
        "convert_s": round(converted - start, 2),
        "first_call_s": round(first - converted, 2),
        "error": round(float(error), 5),
        "latency_to_bare_replay": round(times["module"]["latency"][0] / times["bare replay"]["latency"][0], 3),
        "rate_to_bare_replay": round(times["module"]["rate"][0] / times["bare replay"]["rate"][0], 3),
        "rate_to_eager_graph": round(times["module"]["rate"][0] / times["eager graph"]["rate"][0], 3),
        "us": times,
    }


def _at(values: list[float], part: float) -> float:
    return statistics.quantiles(values, n=100)[round(part * 100) - 1] if len(values) > 1 else values[0]


def main() -> None:
    """Run the rows; the file is written after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", default=list(ROWS))
    parser.add_argument("--batches", type=int, nargs="*", default=[1])
    parser.add_argument("--dtype", default="float16")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    results = {"environment": environment(), "rows": {}}
    for name in options.rows:
        for batch in options.batches:
            key = f"{name}, batch {batch}, {options.dtype}"
            results["rows"][key] = row(name, batch, getattr(torch, options.dtype))
            options.json.write_text(json.dumps(results, indent=1) + "\n")
            found = results["rows"][key]
            print(
                key,
                {name: found["us"][name]["latency"][0] for name in found["us"]},
                found["us"]["module"]["host"],
                flush=True,
            )


if __name__ == "__main__":
    main()
