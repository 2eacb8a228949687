"""What the scripts of this folder have in common: the environment, the choice of models, processes and records."""

import fnmatch
import json
import multiprocessing
import os
import platform
import subprocess
import traceback
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import torch
import torch2trt
import torchvision

# builds are measured here, not what an earlier one has left
os.environ.setdefault("TORCH2TRT_CACHE_LIMIT", "0")
# a process that asks CUDA itself whether there is a GPU can fork none that uses it
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")


def environment() -> dict:
    """Where and with what the rows were measured."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "tensorrt": f"{torch2trt.trt.__name__} {torch2trt.trt.__version__}",
        "torch2trt": torch2trt.__version__,
    }


def is_chosen(name: str, family: str, patterns: list[str]) -> bool:
    """Whether a model is among those asked for, by patterns of names or by families."""
    return any(fnmatch.fnmatch(name, pattern) or pattern == family for pattern in patterns)


def forked(measure: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """A row, measured in a process whose memory is returned when it ends; or its ``failure``."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def in_child() -> None:
        warnings.simplefilter("ignore")
        try:
            sender.send(measure(*args))
        except Exception as error:
            traceback.print_exc()
            sender.send({"failure": f"{type(error).__name__}: {error}"})

    process = context.Process(target=in_child)
    process.start()
    sender.close()
    try:
        row: dict[str, Any] = receiver.recv()
    except EOFError:
        row = {"failure": "the process ended without a result"}
    process.join()
    return row


def record(path: str | None, rows: list[dict[str, Any]], **more: Any) -> None:
    """Write the rows and the environment to a file, if one was asked for."""
    if path:
        # the name of the GPU is asked for in a process of its own: one that has used it cannot be forked
        where = environment() if torch.cuda.is_initialized() else forked(environment)
        with open(path, "w") as file:
            json.dump({"environment": where, **more, "rows": rows}, file, indent=1)
