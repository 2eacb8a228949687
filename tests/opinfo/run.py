"""Convert samples of every operator and write the table of what became of them.

``python -m tests.opinfo.run --json benchmarks/results/opinfo_cpu.json``; ``--only`` takes names.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from .examine import Outcome, examine
from .samples import operators, samples

#: an operator is as good as its worst sample
_ORDER = ("wrong", "error", "refused", "agrees", "incomparable")


def examined(name: str, op: Any) -> list[Outcome]:
    """What became of an operator's samples: three in float32, and one in float16 where a CPU has it."""
    outcomes = []
    for dtype, count in ((torch.float32, 3), (torch.float16, 1)):
        if dtype in op.dtypes:
            outcomes += [examine(sample) for sample in samples(name, op, dtype, count)]
    return outcomes or [Outcome("incomparable", "has no sample of dense tensors")]


def main() -> int:
    """Go through all operators."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--part", default="0/1", help="every n-th operator, from the k-th: k/n")
    options = parser.parse_args()
    first, step = map(int, options.part.split("/"))
    chosen = {name: op for name, op in operators().items() if not options.only or name in options.only}
    rows: dict[str, dict[str, Any]] = {}
    started = time.monotonic()
    for name, op in [*chosen.items()][first::step]:
        outcomes = examined(name, op)
        worst = min(outcomes, key=lambda outcome: _ORDER.index(outcome.kind))
        counts = collections.Counter(outcome.kind for outcome in outcomes)
        rows[name] = {"became": worst.kind, "why": worst.why, "samples": dict(counts)}
        if worst.kind not in ("agrees", "incomparable"):
            print(f"{worst.kind:12} {name}: {worst.why}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1))
    print(collections.Counter(row["became"] for row in rows.values()), f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
