"""One sample of each operator that the recorded table says agrees; the whole table is made by ``run``."""

import json
from pathlib import Path

import pytest
import torch

from .examine import examine
from .samples import operators, samples

TABLE = json.loads((Path(__file__).parents[2] / "benchmarks" / "results" / "opinfo_cpu.json").read_text())
#: another PyTorch has other samples
RECORDED = TABLE["environment"]["torch"].partition("+")[0].rpartition(".")[0]
OPERATORS = operators()
AGREE = [name for name, row in TABLE["operators"].items() if row["became"] == "agrees"]


@pytest.mark.slow
@pytest.mark.skipif(not torch.__version__.startswith(f"{RECORDED}."), reason=f"the table is of PyTorch {RECORDED}")
@pytest.mark.parametrize("name", AGREE)
def test_operator(name):
    for sample in samples(name, OPERATORS[name], torch.float32, 1):
        outcome = examine(sample)
        assert outcome.kind in ("agrees", "incomparable"), outcome.why
