"""What a conversion costs beside ``torch.export`` itself: seconds and peak memory, in one run.

Each measurement has a process of its own.  ``ratio`` is the time of ``torch2trt.convert(..., build=False)`` over that
of ``torch.export.export`` and ``run_decompositions``; ``memory`` is the growth of the peak resident memory while
converting, over the bytes of the weights.  Exit status 1 above ``--max-ratio`` or ``--max-memory``.

``--baseline ROOT`` measures the conversion of another checkout in turns with this one's.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from pathlib import Path

import torch
import torchvision
from gpu.measure import peak
from harness import record
from rich import print as show


def prepare(name: str) -> tuple[torch.nn.Module, torch.Tensor]:
    """A model and its input, with everything imported and warmed up on a small model."""
    import torch2trt

    small = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()).eval()
    torch2trt.convert(small, [torch.ones(1, 3, 8, 8)], build=False)
    return torchvision.models.get_model(name, weights=None).eval(), torch.randn(1, 3, 224, 224)


def export(name: str) -> dict:
    """The time of PyTorch's own capture."""
    model, x = prepare(name)
    start = time.perf_counter()
    torch.export.export(model, (x,), strict=False).run_decompositions()
    return {"seconds": time.perf_counter() - start}


def convert(name: str) -> dict:
    """The time and memory of a conversion without the build."""
    import torch2trt

    model, x = prepare(name)
    before, start = peak(), time.perf_counter()
    module = torch2trt.convert(model, [x], build=False)
    seconds, grown = time.perf_counter() - start, peak() - before
    weights = sum(tensor.nbytes for tensor in [*model.parameters(), *model.buffers()])
    return {"seconds": seconds, "memory": grown / weights, "layers": module.network.num_layers}


def measured(what, name: str, root: Path | None) -> dict:
    """One measurement in a process of its own, with the code of ``root`` where it is given."""
    packages = [] if root is None else [root / "core", *sorted((root / "converters_builtin").iterdir())]
    own = list(sys.path)
    sys.path[:0] = map(str, packages)  # which the process takes over
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(what, (name,))
    finally:
        sys.path[:] = own


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["resnet50"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--max-ratio", type=float, default=1.5)
    parser.add_argument("--max-memory", type=float, default=3.0)
    parser.add_argument("--baseline", type=Path, help="the root of another checkout")
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    rows = []
    sides = {"export": (export, None), "convert": (convert, None)}
    if options.baseline:
        sides["baseline"] = (convert, options.baseline.resolve())
    for name in options.models:
        runs: dict[str, list] = {side: [] for side in sides}
        for _ in range(options.repeat):
            for side, (what, root) in sides.items():  # by turns, so that all see the same machine
                runs[side].append(measured(what, name, root))
        seconds = {side: statistics.median(run["seconds"] for run in runs[side]) for side in sides}
        memory = {side: max(run["memory"] for run in runs[side]) for side in sides if side != "export"}
        row = {"model": name, **seconds, "ratio": seconds["convert"] / seconds["export"], "memory": memory["convert"]}
        if options.baseline:
            row["ratio_to_baseline"] = seconds["convert"] / seconds["baseline"]
            row["memory_of_baseline"] = memory["baseline"]
        rows.append(row)
        show(row)
    record(options.json, rows)
    good = all(row["ratio"] <= options.max_ratio and row["memory"] <= options.max_memory for row in rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
