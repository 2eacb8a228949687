"""Kernels that TensorRT for RTX compiles for a dynamic shape of its own: are they right, and what do they save?

``wrong``: models with a batch of 1 to 3, called with ``kernel_specialization="none"`` and ``"eager"``; the largest
error of each batch over its largest output, beside PyTorch without TF32.  ``times``: microseconds of a call with a
batch of 1 to 32, beside a module that was converted for that batch alone.  Exit status 1 where ``"none"`` is wrong.
"""

import argparse
import sys
from typing import Any

import torch
import torch2trt
import torchvision_models
from gpu.rows import ROWS
from harness import forked, record
from torch2trt.tune.timing import timed

STRATEGIES = ("none", "eager")
MODELS = (("mnasnet0_5", "float32"), ("efficientnet_b0", "float32"), ("inception_v3", "float16"))
TIMED = ("resnet50", "bert_base")
BATCHES = (1, 8, 32)
LIMITS = ("min", "opt", "max")
#: of the largest output
TOLERANCE = {"float32": 5e-3, "float16": 2e-2}


@torch.no_grad()
def errors(name: str, dtype: str) -> dict[str, Any]:
    """The errors of a model of torchvision by each strategy, in the order of the calls."""
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    model, shape = torchvision_models.make(name, "classification", 64)
    model.cuda()
    inputs = [torch2trt.Input(min=(1, *shape), opt=(2, *shape), max=(3, *shape))]
    row: dict[str, Any] = {}
    for strategy in STRATEGIES:
        settings: dict[str, Any] = {"kernel_specialization": strategy, "precision": getattr(torch, dtype)}
        module = torch2trt.convert(model, inputs, runtime="engine", cache=False, **settings)
        row[strategy] = []
        for batch in (1, 3, 2, 1, 3):
            x = torch.randn(batch, *shape, device="cuda")
            expected = model(x)
            error = (module(x).float() - expected).abs().max() / expected.abs().max()
            row[strategy].append([batch, float(error)])
    return row | {"right": {s: all(error < TOLERANCE[dtype] for _, error in row[s]) for s in STRATEGIES}}


@torch.no_grad()
def times(name: str) -> dict[str, Any]:
    """Microseconds of a call in float16, by batch."""
    model = ROWS[name].model("cuda", torch.float16)
    examples = {batch: ROWS[name].inputs(batch, "cuda", torch.float16) for batch in BATCHES}
    inputs = [
        torch2trt.Input(**{limit: (b, *x.shape[1:]) for limit, b in zip(LIMITS, BATCHES, strict=True)}, dtype=x.dtype)
        for x in examples[BATCHES[0]]
    ]
    settings: dict[str, Any] = {"runtime": "engine", "cache": False}
    modules = {s: torch2trt.convert(model, inputs, kernel_specialization=s, **settings) for s in STRATEGIES}
    row: dict[str, Any] = {}
    for batch, example in examples.items():
        static = torch2trt.convert(model, list(example), **settings)
        runners = {"static": static.runner} | {strategy: module.runner for strategy, module in modules.items()}
        names = [spec.name for spec in static.signature.inputs]
        taken = timed(list(runners.values()), dict(zip(names, example, strict=True)))
        row[str(batch)] = dict(zip(runners, taken, strict=True))
    return row


def main() -> int:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the rows and the environment")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, dtype in MODELS:
        rows.append({"wrong": name, "dtype": dtype, **forked(errors, name, dtype)})
        print(rows[-1], flush=True)
        record(options.json, rows)
    for name in TIMED:
        rows.append({"times": name, **forked(times, name)})
        print(rows[-1], flush=True)
        record(options.json, rows)
    return int(not all(row["right"]["none"] for row in rows if "right" in row))


if __name__ == "__main__":
    sys.exit(main())
