"""Host memory of every step from a model to a loaded module, in multiples of the model's weights.

``peak`` of a step is the highest resident memory while it runs, ``after`` what is resident when it has ended; both
beyond what was resident when the model stood, so the model's own weights are in neither, but what earlier steps left is
in both.  A small model is converted first, so that libraries count for nothing.  ``released`` deletes the module.
``load`` is in a process that has no model.  ``engine`` is the size of the serialized engine.  Linux only.

Exit status 1 where a peak is above ``--max-peak``.
"""

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import torch
from harness import forked, record
from rich.console import Console
from rich.table import Table
from torch import nn

#: the functions that ``convert`` calls, by the names that it has for them
_STEPS = {
    "capture": "capture",
    "plan": "make_plan",
    "lower": "lower",
    "build": "build",
    "network kept": "ReferenceRunner",
    "module": "TRTModule",
}
_MIB = 2**20


def linear(size: int) -> tuple[nn.Module, torch.Tensor]:
    """Square matrices with ReLU between them, some ``size`` bytes together."""
    width = 4096
    layers = [layer for _ in range(size // (4 * width * width)) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*layers), torch.randn(1, width)


def convolutions(size: int) -> tuple[nn.Module, torch.Tensor]:
    """3x3 convolutions with ReLU between them, some ``size`` bytes together."""
    width = 1024
    count = size // (4 * 9 * width * width)
    layers = [layer for _ in range(count) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU())]
    return nn.Sequential(*layers), torch.randn(1, width, 8, 8)


#: the model, the precision, and the runtime: ``auto`` is the interpreter where there is no GPU
_CASES = ((linear, None, "auto"), (linear, None, "engine"), (convolutions, torch.float16, "engine"))


class Meter:
    """The resident memory of this process while steps run."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self.steps: dict[str, dict[str, float]] = {}
        self._start = _status("VmRSS")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what runs in the block."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        yield
        peak, after = _status("VmHWM"), _status("VmRSS")
        self.steps[name] = {"peak": (peak - self._start) / self._unit, "after": (after - self._start) / self._unit}

    def measured(self, name: str, function: Callable) -> Callable:
        """The function as a step."""

        @functools.wraps(function, updated=())
        def run(*args, **kwargs):
            with self.step(name):
                return function(*args, **kwargs)

        return run


def _status(field: str) -> int:
    """A size in bytes that the kernel knows of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def converted(make: Callable, size: int, path: Path, settings: dict) -> dict:
    """Convert a model and save what it became."""
    import torch2trt
    from torch2trt import api

    torch2trt.convert(*_small(), **settings).save(path)  # which brings all libraries in
    model, x = make(size)
    model.eval()
    weights = sum(tensor.nbytes for tensor in model.parameters())
    meter = Meter(weights)
    with ExitStack() as stack:
        for name, function in _STEPS.items():
            stack.enter_context(mock.patch.object(api, function, meter.measured(name, getattr(api, function))))
        module = torch2trt.convert(model, [x], **settings)
    with meter.step("save"):
        module.save(path)
    with meter.step("state_dict"):
        state = module.state_dict()
    engine = len(module.serialized) / weights
    with meter.step("released"):
        del module, state
    return {"weights": weights, "engine": engine, "steps": meter.steps}


def loaded(path: Path, weights: int) -> dict:
    """Load what was saved, in a process that has no model."""
    import torch2trt

    meter = Meter(weights)
    with meter.step("load"):
        module = torch2trt.load(path)
    assert module.serialized
    return meter.steps


def _small() -> tuple[nn.Module, list[torch.Tensor]]:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 4))
    return model.eval(), [torch.ones(1, 3, 8, 8)]


def measured(make: Callable, size: int, settings: dict) -> dict:
    """The row of a model with some settings."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.trt")
        row = forked(converted, make, size, path, settings)
        if "failure" not in row:
            row["steps"] |= forked(loaded, path, row["weights"])
    return row


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1152, help="MiB of weights in float32")
    parser.add_argument("--max-peak", type=float, default=float("inf"))
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    rows = []
    for make, precision, runtime in _CASES:
        settings = {"precision": precision, "runtime": runtime}
        row = {"model": make.__name__, "precision": str(precision), "runtime": runtime}
        rows.append(row | measured(make, options.megabytes * _MIB, settings))
        _show(rows[-1])
    record(options.json, rows)
    peaks = [step["peak"] for row in rows for step in row.get("steps", {}).values()]
    measured_all = not any("failure" in row for row in rows)
    return 0 if measured_all and max(peaks) <= options.max_peak else 1


def _show(row: dict) -> None:
    console = Console()
    if "failure" in row:
        console.print(row)
        return
    case = f"{row['model']}, precision={row['precision']}, runtime={row['runtime']}"
    size = f"{row['weights'] / _MIB:.0f} MiB of weights, the engine {row['engine']:.2f} of them"
    table = Table("step", "peak", "after", title=f"{case}: {size}")
    for name, step in row["steps"].items():
        table.add_row(name, f"{step['peak']:.2f}", f"{step['after']:.2f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
