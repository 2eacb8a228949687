"""Whether graphs are cut into the fewest segments: every graph of up to eight calls, in every coloring.

One graph of each kind (up to isomorphism, and needs that follow from others) and one coloring of those that an
automorphism makes of each other, held against every order in which the calls can run.  The tests do this for fewer
calls, which takes seconds; eight take some 20 minutes of a core of its own.

    python benchmarks/partitions.py --calls 8 --json benchmarks/results/partitions_cpu.json
"""

import argparse
import sys
import time
from pathlib import Path

from harness import record
from torch2trt.plan.partition import partition

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.core.posets import colorings, fewest, kinds, needs_of


def held(count: int) -> dict:
    """What ``partition`` makes of all graphs of ``count`` calls."""
    begin = time.perf_counter()
    row = {"calls": count, "graphs": 0, "colorings": 0, "more_segments_than_needed": 0, "most_segments": 0}
    for below in kinds(count):
        colors, needs = colorings(below), needs_of(below)
        for coloring, wanted in zip(colors.tolist(), fewest(below, colors).tolist(), strict=True):
            segments = partition(coloring, needs)
            assert all(segments[one] <= segments[call] for call, needed in enumerate(needs) for one in needed)
            assert len(set(zip(segments, coloring, strict=True))) == len(set(segments))
            row["more_segments_than_needed"] += len(set(segments)) > wanted
            row["most_segments"] = max(row["most_segments"], wanted)
        row["graphs"] += 1
        row["colorings"] += len(colors)
    return row | {"seconds": round(time.perf_counter() - begin, 1)}


def main() -> None:
    """Count and write what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=7)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    rows = []
    for count in range(1, arguments.calls + 1):
        rows.append(held(count))
        print(rows[-1], flush=True)
        record(arguments.json, rows)


if __name__ == "__main__":
    main()
