"""Run every row of the packs' case tables on engines and record which agree with PyTorch; needs a GPU.

Results are written while the tests run, so a run that is cut short leaves a record of what it did.
"""

import argparse
import collections
import json
import re
import sys
from pathlib import Path

import pytest
from harness import environment

ROOT = Path(__file__).parent.parent
TABLES = ["tests/base/test_converters.py", "tests/vision/test_converters.py", "tests/transformer/test_converters.py"]


class Recorder:
    """Notes the outcome of every test; of several processes, only the first one's plugins see all of them."""

    def __init__(self, path: Path) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.failures: dict[str, str] = {}
        self.file = path.with_suffix(".jsonl").open("w")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a result and write it down."""
        if report.when != "call" and not report.skipped:
            return
        name = report.nodeid.partition("[")[2].removesuffix("]")
        self.counts[report.outcome] += 1
        message = ""
        if report.failed:
            message = self.failures[name] = re.sub(r"\s+", " ", getattr(report.longrepr.reprcrash, "message", ""))[
                :1500
            ]
        self.file.write(json.dumps({"row": name, "outcome": report.outcome, "message": message}) + "\n")
        self.file.flush()


def main() -> int:
    """Run, summarize, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--workers", default="8")
    options = parser.parse_args()
    recorder = Recorder(options.json)
    arguments = [
        "-q",
        "-n",
        options.workers,
        "--tb=short",
        "--show-capture=no",
        "-W",
        "ignore",
        "-p",
        "no:cacheprovider",
    ]
    paths = [str(ROOT / table) for table in TABLES]
    pytest.main([*arguments, "--no-header", "--no-summary", "--torch2trt-runtime=engine", *paths], plugins=[recorder])
    ran = sum(recorder.counts.values())
    record = {
        "environment": environment(),
        "rows": ran,
        "outcomes": dict(recorder.counts),
        "share_that_agrees": recorder.counts["passed"] / ran if ran else None,
        "failures": recorder.failures,
    }
    options.json.write_text(json.dumps(record, indent=1))
    print(json.dumps({key: value for key, value in record.items() if key != "failures"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
