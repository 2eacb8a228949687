"""The process of a column: it reads requests from its standard input and answers each with a line of JSON.

``python -m gpu.worker``, with this folder's parent on the path, is what ``process.Worker`` starts.  Whatever libraries
print goes to the standard error, so that nothing but answers is read as one.
"""

import gc
import importlib.metadata
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from . import measure, roofline
from .columns import Call, find
from .rows import DTYPES, ROWS

WARM_UP = 10


class Worker:
    """What a process knows: the call that it has prepared."""

    def __init__(self) -> None:
        self._call: Call | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what the request names; an exception is an answer too."""
        verbs: dict[str, Callable[..., dict[str, Any]]] = {
            "reference": reference,
            "roofline": roofline.measure,
            "ready": ready,
            "prepare": self.prepare,
            "round": self.round,
        }
        arguments = dict(request)
        try:
            with torch.no_grad():
                return verbs[arguments.pop("do")](**arguments)
        except Exception as error:
            return {"failure": f"{type(error).__name__}: {error}"[:2000]}

    def prepare(self, column: str, row: str, batch: int, dtype: str, device: str, expected: str) -> dict[str, Any]:
        """Make a column's call of a row; how long it took in seconds, what it holds in MiB, and how wrong it is."""
        used, resident = measure.device_memory(), measure.peak()
        model, inputs = ROWS[row].model(device, DTYPES[dtype]), ROWS[row].inputs(batch, device, DTYPES[dtype])
        start = time.perf_counter()
        self._call = find(column).prepare(model, inputs)
        prepared = time.perf_counter()
        self._call()
        measure.synchronize()
        first = time.perf_counter()
        del model
        for _ in range(WARM_UP if device == "cuda" else 1):
            self._call()
        error = measure.relative_error(self._call(), torch.load(expected, weights_only=True))
        gc.collect()
        torch.cuda.empty_cache()
        return {
            "convert_s": round(prepared - start, 3),
            "first_call_s": round(first - prepared, 3),
            "error": error,
            "held_mib": mib(measure.device_memory() - used),
            "peak_mib": mib(torch.cuda.max_memory_allocated() if device == "cuda" else 0),
            "host_mib": mib(measure.peak() - resident),
            "versions": versions(),
        }

    def round(self, calls: int, queued: int) -> dict[str, Any]:
        """Times of some calls, after a few that bring the GPU back from another process."""
        assert self._call is not None
        for _ in range(min(calls, 5)):
            self._call()
        measure.synchronize()
        return measure.timed(self._call, calls, queued)


def ready(column: str, row: str, device: str) -> dict[str, Any]:
    """Import and start what a column needs, before anything is timed; or ``why_not`` where it cannot run here."""
    reason = ROWS[row].why_not() or find(column).why_not(ROWS[row], device)
    if reason:
        return {"why_not": reason}
    if device == "cuda":
        torch.zeros(1, device=device)
    return {}


def reference(row: str, batch: int, device: str, path: str) -> dict[str, Any]:
    """Write the outputs of eager in float32, without TF32, to a file; the work that the model is."""
    if reason := ROWS[row].why_not():
        return {"why_not": reason}
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    model, inputs = (
        make(device, torch.float32) for make in (ROWS[row].model, lambda *to: ROWS[row].inputs(batch, *to))
    )
    outputs, work = roofline.work(model, inputs)
    torch.save([output.float().cpu() for output in pytree.tree_leaves(outputs)], path)
    return dict(work)


def mib(count: int) -> float:
    """Bytes as MiB."""
    return round(count / 2**20, 1)


def versions() -> dict[str, str]:
    """Those of the packages that this process has imported and that decide what it measures."""
    found = {"torch": torch.__version__}
    for name in ("tensorrt_rtx", "torch_tensorrt", "onnxruntime", "triton", "torch2trt", "transformers"):
        if name in sys.modules:
            found[name] = str(getattr(sys.modules[name], "__version__", None) or importlib.metadata.version(name))
    return found


def serve(requests: Iterable[str], send: Callable[[str], Any]) -> None:
    """Answer requests until there are no more."""
    worker = Worker()
    for line in requests:
        send(json.dumps(worker.answer(json.loads(line))) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    serve(sys.stdin, answers.write)
    answers.close()
    # what is measured is told: libraries may not take their time, or crash, while they are taken down
    os._exit(0)
