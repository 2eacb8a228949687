"""Convert every classification, segmentation and video model of torchvision and compare it with eager; one table.

The batch is dynamic, each model is compared at two batch sizes, by the reference interpreter or, with ``--engine``, as
engines on all GPUs.  Images are as small as a model allows.  Exit status 1 when a model is not converted or differs
from eager in float32 by more of its largest output than ``TOLERANCES`` has: engines multiply float32 in TF32.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
import torch2trt
import torchvision
from harness import forked, is_chosen, record
from randomize import randomize
from rich.console import Console
from rich.table import Table
from torch.utils import _pytree as pytree

FAMILIES = {
    "classification": torchvision.models,
    "segmentation": torchvision.models.segmentation,
    "video": torchvision.models.video,
}
#: relative to the largest output, by what runs the model and its dtype
TOLERANCES = {("interpreter", "float32"): 1e-3, ("engine", "float32"): 5e-3, ("engine", "float16"): 2e-2}
#: models that take only one size, or none as small as the others
SIZES = {"inception_v3": 96, "maxvit_t": 224, "mvit_v1_b": 224, "mvit_v2_s": 224, "s3d": 224}
FRAMES = {"mvit_v1_b": 16, "mvit_v2_s": 16, "s3d": 16}
PATCHES = {"vit_h_14": 14, "vit_b_32": 32, "vit_l_32": 32}


def names() -> dict[str, str]:
    """Each model's family."""
    return {
        name: family for family, module in FAMILIES.items() for name in torchvision.models.list_models(module=module)
    }


def make(name: str, family: str, size: int) -> tuple[torch.nn.Module, tuple[int, ...]]:
    """A model with random weights, and the shape of one of its inputs."""
    options: dict[str, Any] = {"weights": None}
    size = SIZES.get(name, size)
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    if name.startswith("vit_"):
        patch = PATCHES.get(name, 16)
        size = options["image_size"] = max(size // patch, 2) * patch
    if family == "segmentation":
        options["weights_backbone"] = None
    shape = (3, FRAMES.get(name, 8), size, size) if family == "video" else (3, size, size)
    model = randomize(torchvision.models.get_model(name, **options))
    if name.startswith("efficientnet_v2"):
        _damp(model)
    return model, shape


def _damp(model: torch.nn.Module) -> None:
    """Halve what each residual block adds: undamped, random weights make eager itself differ from float64 by 5 %."""
    for module in model.modules():
        if hasattr(module, "use_res_connect") and hasattr(module, "block"):
            *_, norm = (child for child in module.block.modules() if isinstance(child, torch.nn.BatchNorm2d))
            with torch.no_grad():
                norm.weight.mul_(0.5)


def measure(name: str, family: str, size: int, dtype: str, gpu: int | None) -> dict[str, Any]:
    """One row of the table; without a GPU by the interpreter."""
    torch.manual_seed(0)
    model, shape = make(name, family, size)
    runs = {"build": False} if gpu is None else {"runtime": "engine", "cache": False}
    if gpu is not None:
        torch.cuda.set_device(gpu)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        model.cuda()
    start = time.perf_counter()
    inputs = [torch2trt.Input(min=(1, *shape), opt=(2, *shape), max=(3, *shape))]
    module = torch2trt.convert(model, inputs, precision=getattr(torch, dtype), **runs)
    seconds = time.perf_counter() - start
    error = largest = 0.0
    for batch in (1, 3):
        x = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch)).to(
            "cpu" if gpu is None else "cuda"
        )
        with torch.no_grad():
            expected, actual = pytree.tree_leaves(model(x)), pytree.tree_leaves(module(x))
        for one, other in zip(actual, expected, strict=True):
            error = max(error, (one.float() - other).abs().max().item())
            largest = max(largest, other.abs().max().item())
    return {
        "shape": shape,
        "layers": module.network.num_layers,
        "convert_seconds": round(seconds, 2),
        "max_abs_error": error,
        "largest_output": largest,
        "agrees": 0 < largest < float("inf")
        and error <= TOLERANCES["interpreter" if gpu is None else "engine", dtype] * largest,
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows for a terminal."""
    shown = Table(
        "model", "family", "dtype", "input", "layers", "convert", "largest output", "max abs error", "relative"
    )
    for row in rows:
        if "failure" in row:
            shown.add_row(
                row["model"], row["family"], row["dtype"], row["failure"].strip().splitlines()[0], style="red"
            )
            continue
        numbers = [f"{row[key]:.3g}" for key in ("largest_output", "max_abs_error")]
        relative = f"{row['max_abs_error'] / row['largest_output']:.1e}" if row["largest_output"] else "all zero"
        cells = [row["model"], row["family"], row["dtype"], "x".join(map(str, row["shape"])), str(row["layers"])]
        cells += [f"{row['convert_seconds']} s", *numbers, relative]
        shown.add_row(*cells, style=None if row["agrees"] else "red")
    agree = sum(row["agrees"] for row in rows)
    shown.caption = f"{agree} of {len(rows)} agree"
    return shown


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["*"], help="patterns of names, or names of families")
    parser.add_argument("--size", type=int, default=64, help="height and width of images, where the model allows")
    parser.add_argument("--engine", action="store_true", help="as engines on the GPUs, not by the interpreter")
    parser.add_argument("--dtypes", nargs="*", default=["float32"], help="float32, and float16 with --engine")
    parser.add_argument("--jobs", type=int, default=1, help="how many models at once")
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    gpus = torch.cuda.device_count() if options.engine else 0
    chosen = [(*one, dtype) for one in names().items() if is_chosen(*one, options.models) for dtype in options.dtypes]
    rows: list[dict[str, Any]] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        places = [number % gpus if gpus else None for number in range(len(chosen))]
        asked = [
            (name, family, dtype, pool.submit(forked, measure, name, family, options.size, dtype, place))
            for (name, family, dtype), place in zip(chosen, places, strict=True)
        ]
        for name, family, dtype, answer in asked:
            rows.append({"model": name, "family": family, "dtype": dtype, "agrees": False, **answer.result()})
            print(name, dtype, "agrees" if rows[-1]["agrees"] else rows[-1].get("failure", "differs")[:200], flush=True)
            record(options.json, rows, tolerances={" ".join(key): value for key, value in TOLERANCES.items()})
    Console(width=140).print(table(rows))
    return 0 if rows and all(row["agrees"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
