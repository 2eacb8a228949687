"""Convert torchvision models, compare each with eager, and print one table; ``make demo`` runs it.

Exit status 1 when an error exceeds the tolerance: 1e-3 on the reference interpreter; of the largest output, 5e-3 on an
engine in float32 (TensorRT for RTX multiplies in TF32, whatever the builder flag) and 2e-2 in half precision.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import torch
import torch2trt
import torchvision
from harness import record
from randomize import randomize
from rich.console import Console
from rich.table import Table

CLASSIC_CNNS = [
    "alexnet",
    "vgg11_bn",
    "resnet18",
    "resnet50",
    "squeezenet1_1",
    "mobilenet_v2",
    "densenet121",
    "googlenet",
]


def make(name: str) -> torch.nn.Module:
    """A torchvision model with random weights."""
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return randomize(torchvision.models.get_model(name, weights=None, **options))


def measure(name: str, precision: torch.dtype | None, device: str, page: Path | None = None) -> dict:
    """One row of the table; ``page`` is the file for a page about the module."""
    model, shape = make(name).to(device), (3, 224, 224)
    start = time.perf_counter()
    inputs = [torch2trt.Input(min=(1, *shape), opt=(3, *shape), max=(8, *shape))]
    with warnings.catch_warnings(action="ignore", category=torch2trt.ReferenceRuntimeWarning):
        module = torch2trt.convert(model, inputs, precision=precision)
        seconds = time.perf_counter() - start
        errors, first_calls, largest = [], [], 0.0
        for batch in (1, 3, 8):
            x = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch)).to(device)
            with torch.no_grad():
                expected = model(x)
                start = time.perf_counter()
                actual = module(x)
            errors.append((actual - expected).abs().max().item())
            first_calls.append(round(time.perf_counter() - start, 2))
            largest = max(largest, expected.abs().max().item())
    if page:
        module.report(page)
    manifest = module.manifest()
    packs: dict[str, int] = {}
    for call in manifest["engine"]["calls"]:
        pack = call["pack"].partition(" ")[0] if call["pack"] else call["action"]
        packs[pack] = packs.get(pack, 0) + 1
    relative = 2e-2 if precision else 5e-3 if module.runtime == "engine" else None
    tolerance = 1e-3 if relative is None else relative * largest
    return {
        "model": name,
        "precision": "float32" if precision is None else str(precision).removeprefix("torch."),
        "calls": packs,
        "layers": module.network.num_layers,
        "engine_bytes": manifest["engine"]["bytes"],
        "convert_seconds": round(seconds, 2),
        "runtime": module.runtime,
        "first_call_seconds": first_calls,
        "max_abs_error": max(errors),
        "largest_output": largest,
        "tolerance": tolerance,
        "agrees": max(errors) <= tolerance,
    }


def table(rows: list[dict]) -> Table:
    """The rows for a terminal."""
    shown = Table("model", "precision", "calls by pack", "layers", "engine", "convert", "runtime", "max abs error")
    for row in rows:
        calls = ", ".join(f"{count} {pack}" for pack, count in sorted(row["calls"].items()))
        size, seconds = f"{row['engine_bytes'] / 2**20:.1f} MiB", f"{row['convert_seconds']} s"
        cells = [row["model"], row["precision"], calls, str(row["layers"]), size, seconds, row["runtime"]]
        shown.add_row(*cells, f"{row['max_abs_error']:.2e}", style=None if row["agrees"] else "red")
    return shown


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="models of torchvision (default: the eight classic CNNs)")
    parser.add_argument("--precision", action="append", choices=["float32", "float16", "bfloat16"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--report", type=Path, help="write a page about each module into this folder")
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    rows = []
    if options.device == "cuda":
        # eager is compared in float32 as engines compute it
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
    pages = []
    for name in options.models or CLASSIC_CNNS:
        for precision in options.precision or ["float32"]:
            page = options.report / f"{name}_{precision}.html" if options.report else None
            chosen = None if precision == "float32" else getattr(torch, precision)
            rows.append(measure(name, chosen, options.device, page))
            pages += [page] if page else []
    Console(width=140).print(table(rows))
    record(options.json, rows)
    for page in pages:
        print(f"what became of each call: {page}")
    return 0 if all(row["agrees"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
