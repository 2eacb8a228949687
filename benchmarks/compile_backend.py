"""``torch.compile`` with this backend, with Inductor and with Torch-TensorRT, side by side on a GPU.

All backends take turns in one process.  ``compile_seconds`` is the first call; times are medians and quartiles in
microseconds: ``host`` until a call returns, ``latency`` until the GPU is done, ``device`` between two CUDA events,
``rate`` a call's share of many that are queued at once.  A backend that is not installed, or fails, says so in its row.

    python benchmarks/compile_backend.py --dtype fp16 --json benchmarks/results/compile_backend.json
"""

import argparse
import functools
import importlib.util
import sys
import time

import torch
import torchvision
from gpu.measure import relative_error, spread, timed
from harness import record
from torch.utils import _pytree as pytree
from torch2trt.dynamo.backend import backend

CALLS, QUEUED, ROUNDS = 40, 60, 3
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def transformer() -> torch.nn.Module:
    """Four encoder layers of 256 features."""
    layer = torch.nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True, norm_first=True)
    return torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)


MODELS = {
    "resnet18": (torchvision.models.resnet18, (3, 224, 224)),
    "transformer": (transformer, (128, 256)),
}


def backends(dtype: torch.dtype) -> dict:
    """What ``torch.compile`` is given by each; None is eager."""
    peer = {"use_explicit_typing": True, "min_block_size": 1}
    return {
        "eager": None,
        # by itself: a checkout need not be installed
        "torch2trt": {"backend": backend, "options": {"runtime": "engine", "cache": False}},
        "inductor": {"backend": "inductor"},
        "inductor+graph": {"backend": "inductor", "mode": "reduce-overhead"},
        "tensorrt": {"backend": "tensorrt", "options": peer},
    }


def compiled(model: torch.nn.Module, how: dict | None) -> torch.nn.Module:
    """The model by one backend."""
    if how is None:
        return model
    if how["backend"] == "tensorrt":
        if importlib.util.find_spec("torch_tensorrt") is None:
            raise ImportError("torch_tensorrt is not installed")
        importlib.import_module("torch_tensorrt")
    return torch.compile(model, **how)


def measured(name: str, batch: int, dtype: torch.dtype) -> list[dict]:
    """A row for every backend."""
    make, shape = MODELS[name]
    torch.manual_seed(0)
    model = make().eval()
    x = torch.randn(batch, *shape)
    with torch.inference_mode():
        expected = [leaf.float() for leaf in pytree.tree_leaves(model(x))]
    model, x = model.to("cuda", dtype), x.to("cuda", dtype)
    rows = {}
    with torch.inference_mode():
        for column, how in backends(dtype).items():
            rows[column] = {
                "model": name,
                "batch": batch,
                "dtype": str(dtype).removeprefix("torch."),
                "backend": column,
            }
            torch._dynamo.reset()
            try:
                call = functools.partial(compiled(model, how), x)
                start = time.perf_counter()
                call()
                torch.cuda.synchronize()
                rows[column]["compile_seconds"] = round(time.perf_counter() - start, 2)
                for _ in range(10):
                    result = call()
                rows[column]["error"] = relative_error(result, expected)
                times = [timed(call, CALLS, QUEUED) for _ in range(ROUNDS)]
                for what in times[0]:
                    rows[column][what] = spread([value for one in times for value in one[what]])
            except Exception as error:
                rows[column]["failure"] = f"{type(error).__name__}: {error}"[:500]
            print(rows[column], flush=True)
    return [*rows.values()]


def main() -> None:
    """Measure what is asked for and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=MODELS)
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--dtype", default="fp16", choices=DTYPES)
    parser.add_argument("--json", help="write the rows and the environment")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("this measures engines, which need an NVIDIA GPU; there is none here")
    rows = []
    for name in arguments.models:
        for batch in arguments.batch:
            rows += measured(name, batch, DTYPES[arguments.dtype])
            record(arguments.json, rows)


if __name__ == "__main__":
    main()
