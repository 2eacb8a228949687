"""Threads that call converted modules at once, at sizes that vary: is every result right, and does memory grow?

Each thread calls every module ``--calls`` times, half of them on a stream of their own.  Every result is held against
eager's, on the GPU.  Exit status 1 when one is wrong, or when the GPU's memory in use grows after the warm-up.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import torch
import torch2trt
from harness import record
from torch import nn

SIZES = range(1, 9)
TOLERANCE = 5e-3  # TF32
#: calls of each module by each thread before memory is read; with kernel_specialization="lazy" a graph is captured at
#: the 512th of a shape
WARM_UP = 8 * 520
GROWTH = 2**20


def models() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """Two models, and the shape of what they take without the batch."""
    torch.manual_seed(0)
    convolutions = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 8, 3, stride=2)),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)),
    )
    feed_forward = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 32))
    return {"convolutions": (convolutions.eval(), (3, 32, 32)), "feed-forward": (feed_forward.eval(), (64,))}


class Work:
    """The calls of all threads, and what was wrong with them.

    Args:
        modules: converted modules, each with an input and eager's output for every size.
    """

    def __init__(self, modules: dict[str, tuple[Any, dict[int, torch.Tensor], dict[int, torch.Tensor]]]) -> None:
        self._modules = modules
        self.wrong = self.made = 0
        self.failures: list[str] = []
        self._lock = threading.Lock()

    def all_threads(self, threads: int, calls: int) -> float:
        """Run ``calls`` of each module in every thread; the seconds that it took."""
        start = time.perf_counter()
        running = [threading.Thread(target=self._thread, args=(number, calls)) for number in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    def _thread(self, number: int, calls: int) -> None:
        stream = torch.cuda.Stream() if number % 2 else torch.cuda.default_stream()
        drawn = random.Random(number)
        try:
            with torch.no_grad(), torch.cuda.stream(stream):
                wrong = torch.zeros((), device="cuda")
                for _ in range(calls):
                    for module, inputs, outputs in self._modules.values():
                        size = drawn.choice(SIZES)
                        error = (module(inputs[size]) - outputs[size]).abs().max()
                        wrong += ~(error <= TOLERANCE * outputs[size].abs().max())
                found = int(wrong)
            with self._lock:
                self.wrong += found
                self.made += calls * len(self._modules)
        except Exception as error:
            self.failures.append(f"thread {number}: {type(error).__name__}: {error}")


def in_use() -> int:
    """Bytes of the GPU that are in use, without what PyTorch's allocator only keeps."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    return total - free


def prepared(make: Callable[..., Any]) -> dict[str, Any]:
    """Each model converted by ``make``, with inputs and outputs of all sizes."""
    found = {}
    for name, (model, shape) in models().items():
        module = make(model.cuda(), [torch2trt.Input(min=(1, *shape), opt=(4, *shape), max=(8, *shape))])
        inputs = {size: torch.randn(size, *shape, device="cuda") for size in SIZES}
        with torch.no_grad():
            found[name] = (module, inputs, {size: model(x) for size, x in inputs.items()})
    return found


def main() -> int:
    """Convert, warm up, call."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--json")
    options = parser.parse_args()
    work = Work(prepared(lambda *args: torch2trt.convert(*args, cache=False, runtime="engine")))
    warm_up = min(WARM_UP, options.calls)
    work.all_threads(options.threads, warm_up)
    before = in_use()
    seconds = work.all_threads(options.threads, options.calls)
    row = {
        "threads": options.threads,
        "calls": work.made,
        "seconds": round(seconds, 1),
        "wrong": work.wrong,
        "grown_bytes": in_use() - before,
        "failures": work.failures,
    }
    print(row)
    record(options.json, [row], tolerance=TOLERANCE, warm_up=warm_up)
    return int(bool(work.wrong or work.failures or row["grown_bytes"] > GROWTH))


if __name__ == "__main__":
    sys.exit(main())
