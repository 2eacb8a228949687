"""Engines against the interpreter: build, run and compare every generated network on this machine's GPU.

    PYTHONPATH=core python tests/reference/engine_agreement.py --json agreement.json [--only RESIZE,NMS] [--workers 6]

Each worker process takes a share of the networks and writes a line when it begins and when it has finished one, so a
network that ends its process (or hangs) is one result, and a new worker continues with the next.  Prints a table of
layer types and writes every disagreement, refusal and death, with the environment.

TF32 is off on both sides, but TensorRT for RTX multiplies fp32 matrices in TF32 nevertheless if the GPU supports it, so
networks with such layers are compared within TF32's precision.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import generate
from agreement.report import report
from agreement.workers import check_all, work


def main() -> int:
    """Check everything and report; 1 if a network disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write every result that is not an agreement")
    parser.add_argument("--only", default="", help="comma list of layer types or name parts")
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=460.0, help="stop starting networks after this long")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--lines", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        work([int(index) for index in options.worker.split(",")], options.lines)
        return 0
    cases = generate.cases()
    parts = [part for part in options.only.split(",") if part]
    chosen = [i for i, c in enumerate(cases) if not parts or any(p == c.layer_type or p in c.name for p in parts)]
    with tempfile.TemporaryDirectory() as folder:
        results = check_all(chosen, options.workers, Path(folder), options.seconds)
    return report(cases, chosen, results, options.json)


if __name__ == "__main__":
    sys.exit(main())
