"""What it costs to go from an engine to PyTorch and back, in microseconds a crossing; needs a GPU.

A chain of feed-forward blocks has one operator after each block, which PyTorch runs (two crossings each) or the
engines do.  The cost is by how much the call is slower for each crossing, the operator's own kernel included: as one
CUDA graph around all; with a graph for each engine, as where a part waits for the GPU; and without graphs.
"""

import argparse
from unittest import mock

import torch
import torch2trt
from gpu.measure import spread, timed
from harness import record
from torch import nn
from torch2trt.runtime import choose

WIDTH, ROUNDS, CALLS, QUEUED = 512, 7, 20, 100


class Cross(nn.Module):
    """The operator that PyTorch runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sine."""
        return x.sin()


def chain(blocks: int) -> nn.Module:
    """Blocks that are engines, each followed by the operator, and one more block."""
    block = [nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()]
    return nn.Sequential(*(nn.Sequential(*block, Cross()) for _ in range(blocks)), *block).eval().half().cuda()


def row(blocks: int) -> dict:
    """One chain, by one engine and by several."""
    model, x = chain(blocks), torch.randn(32, WIDTH, device="cuda").half()
    settings = {"cache": False, "runtime": "engine"}
    one = torch2trt.convert(model, [x], **settings)
    several = torch2trt.convert(model, [x], fallback=True, run_in_torch=[Cross], **settings)
    found = {"blocks": blocks, "us": {}}
    for mode in ("one graph", "a graph an engine", "no graphs"):
        one.cuda_graphs = several.cuda_graphs = mode != "no graphs"
        calls = {"one engine": lambda: one(x), "hybrid": lambda: several(x)}
        with mock.patch.object(choose, "may_be_captured", return_value=mode == "one graph"):
            several(x)
        times: dict[str, dict[str, list[float]]] = {name: {} for name in calls}
        for call in calls.values():
            for _ in range(50):
                call()
        for _ in range(ROUNDS):
            for name, call in calls.items():
                for kind, values in timed(call, CALLS, QUEUED).items():
                    times[name].setdefault(kind, []).extend(values)
        shown = {name: {kind: spread(values) for kind, values in kinds.items()} for name, kinds in times.items()}
        per = {
            kind: round((shown["hybrid"][kind][0] - shown["one engine"][kind][0]) / (2 * blocks), 2)
            for kind in ("host", "latency", "rate")
        }
        found["us"][mode] = {**shown, "a crossing": per}
    return found


def main() -> None:
    """All chains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = []
    for blocks in options.blocks:
        rows.append(row(blocks))
        print(blocks, {name: kinds["a crossing"] for name, kinds in rows[-1]["us"].items()}, flush=True)
        record(options.json, rows)


if __name__ == "__main__":
    main()
