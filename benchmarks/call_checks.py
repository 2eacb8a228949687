"""What the checks of its inputs cost a call: each call beside the same one without checks, in one process.

The engine is replaced by a function that returns at once, so a call is all that happens on the host around it.  Exit
status 1 when checks take more than 3 microseconds with a static signature or 8 with a dynamic one.
"""

import argparse
import sys
import timeit
import types
from typing import Any

import torch
import torch2trt
from harness import record
from rich.console import Console
from rich.table import Table

LIMITS = {"static": 3.0, "dynamic": 8.0}
#: a call is timed this many times, as the best of so many rounds
CALLS, ROUNDS = 20_000, 25


def in_pairs(x: torch.Tensor) -> torch.Tensor:
    """A function that leaves a guard: the size must be even."""
    return x.unflatten(1, (-1, 2)).sum(-1)


#: the signatures: a name, the kind, the function and the range of each input's first two sizes
CASES: list[tuple[str, str, Any, list[tuple[tuple[int, int], tuple[int, int]]]]] = [
    ("one image", "static", torch.relu, [((2, 2), (3, 3))]),
    ("three inputs", "static", lambda x, y, z: x + y + z, [((2, 2), (3, 3))] * 3),
    ("dynamic batch", "dynamic", torch.relu, [((1, 8), (3, 3))]),
    ("dynamic batch and length", "dynamic", torch.relu, [((1, 8), (1, 64))]),
    ("three inputs of one batch and length", "dynamic", lambda x, y, z: x + y + z, [((1, 8), (1, 64))] * 3),
    ("a guard", "dynamic", in_pairs, [((1, 8), (2, 64))]),
]


def measure(name: str, kind: str, function: Any, ranges: list[tuple[tuple[int, int], ...]]) -> dict[str, Any]:
    """One row, in microseconds."""
    inputs = [torch2trt.Input(min=tuple(low for low, _ in r), max=tuple(high for _, high in r)) for r in ranges]
    given = [torch.randn([high for _, high in r]) for r in ranges]
    module = torch2trt.convert(function, inputs, build=False)
    outputs = module.runner(module.signature.flatten(given, {}))
    module._chosen = lambda tensors: outputs  # stands for an engine
    names = [spec.name for spec in module.signature.inputs]
    unchecked = types.SimpleNamespace(
        flatten=lambda args, kwargs: dict(zip(names, args, strict=True)),
        carried=lambda tensors: tensors,
        unflatten=module.signature.unflatten,
    )
    signatures = {"with": module.signature, "without": unchecked}
    best = dict.fromkeys(signatures, float("inf"))
    for _ in range(ROUNDS):  # by turns, so that what else the machine does falls on both
        for which, signature in signatures.items():
            module.signature = signature
            best[which] = min(best[which], timeit.timeit(lambda: module(*given), number=CALLS) / CALLS * 1e6)
    return {
        "case": name,
        "kind": kind,
        "call_us": round(best["with"], 2),
        "call_without_checks_us": round(best["without"], 2),
        "checks_us": round(best["with"] - best["without"], 2),
        "ratio": round(best["with"] / best["without"], 2),
    }


def main() -> int:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", help="write the rows and the environment to this file")
    options = parser.parse_args()
    rows = [measure(*case) for case in CASES]
    record(options.json, rows, limits_us=LIMITS)
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()), style="red" if row["checks_us"] > LIMITS[row["kind"]] else None)
    Console().print(table)
    return int(any(row["checks_us"] > LIMITS[row["kind"]] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
