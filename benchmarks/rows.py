"""Run every row of the packs' case tables on engines and record which agree with PyTorch; needs a GPU.

Every result is written to a log while the tests run, so a run that is cut short leaves a record of what it did, and a
later run with the same file adds to it: the packs can be run one by one.
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
PACKS = ["base", "vision", "transformer", "quantization"]


class Recorder:
    """Writes down the outcome of every test; of several processes, only the first one's plugins see all of them."""

    def __init__(self, log: Path) -> None:
        self.file = log.open("a")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a result down."""
        if report.when != "call" and not report.skipped:
            return
        name = report.nodeid.partition("[")[2].removesuffix("]")
        crash = getattr(report.longrepr, "reprcrash", None) if report.failed else None
        message = re.sub(r"\s+", " ", crash.message)[:1500] if crash else ""
        self.file.write(json.dumps({"row": name, "outcome": report.outcome, "message": message}) + "\n")
        self.file.flush()


def summary(log: Path) -> dict:
    """What a log says, with the messages of the rows that failed."""
    results = [json.loads(line) for line in log.read_text().splitlines()]
    outcomes = collections.Counter(result["outcome"] for result in results)
    return {
        "rows": len(results),
        "outcomes": dict(outcomes),
        "share_that_agrees": outcomes["passed"] / len(results) if results else None,
        "failures": {result["row"]: result["message"] for result in results if result["outcome"] == "failed"},
    }


def main() -> int:
    """Run, summarize, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packs", nargs="*", default=PACKS, help="of which packs; by default of all")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--workers", default="8")
    options = parser.parse_args()
    log = options.json.with_suffix(".jsonl")
    how = "-q --tb=short --show-capture=no --no-header --no-summary --torch2trt-runtime=engine -W ignore"
    arguments = [*how.split(), "-p", "no:cacheprovider", "-n", options.workers]
    paths = [str(ROOT / "tests" / pack / "test_converters.py") for pack in options.packs]
    pytest.main([*arguments, *paths], plugins=[Recorder(log)])
    record = {"environment": environment(), **summary(log)}
    options.json.write_text(json.dumps(record, indent=1))
    print(json.dumps({key: value for key, value in record.items() if key != "failures"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
