"""Hold programs that are taken apart call by call against PyTorch's own decomposition, which traces them again.

For every row of the packs' tables, static and dynamic: whether the outputs of both are the same calls of the same
calls, up to names, order and assertions; and the process time of both.  Exit status 1 where they differ.
"""

import argparse
import importlib
import json
import sys
import time
import warnings
from pathlib import Path

import torch
import torch2trt
from harness import environment
from torch2trt.capture import decompose, rules
from torch2trt.testing.check import _dynamic_shapes, _model

sys.path.insert(0, str(Path(__file__).parent.parent))


class Both:
    """Stands in the place of ``run_rules`` and runs them twice, as it does and by a second trace."""

    def __init__(self) -> None:
        self.call_by_call, self.run_rules = rules.call_by_call, rules.run_rules
        self.seconds = {"call by call": 0.0, "traced again": 0.0}
        self.programs = self.refused = 0
        self.differs = False

    def __call__(self, exported, table):
        """The program, with a note where PyTorch's is another one."""
        attempts = []
        program, seconds = self.timed(
            exported, table, lambda *args: attempts.append(self.call_by_call(*args)) or attempts[0]
        )
        self.programs += 1
        if attempts[0] is None:
            self.refused += 1
            return program
        expected, again = self.timed(exported, table, lambda *args: None)
        self.seconds["call by call"] += seconds
        self.seconds["traced again"] += again
        self.differs |= outputs(program) != outputs(expected)
        return program

    def timed(self, exported, table, attempt):
        """The program as it is made with ``attempt`` for ``call_by_call``, and the process time."""
        rules.call_by_call = attempt
        start = time.process_time()
        return self.run_rules(exported, table), time.process_time() - start


def outputs(exported: torch.export.ExportedProgram) -> list:
    """What a program returns, as a number that says how it is computed."""
    terms = {}

    def term(value):
        return terms[value] if isinstance(value, torch.fx.Node) else value

    for node in exported.graph.nodes:
        if node.op == "placeholder":
            terms[node] = node.name
        elif node.op == "call_function":
            size = node.meta.get("val")
            if isinstance(size, torch.SymInt):  # however it is computed
                terms[node] = str(size)
                continue
            operands = torch.utils._pytree.tree_map(term, (node.args, dict(node.kwargs)))
            terms[node] = hash((str(node.target), str(operands)))
    return [term(value) for value in exported.graph.output_node().args[0]]


def main() -> int:
    """Capture every row, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packs", nargs="*", default=["base", "vision", "transformer", "quantization"])
    parser.add_argument("--every", type=int, default=1, help="take every n-th row alone")
    parser.add_argument("--json", type=Path, help="write the rows and the environment to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    both = decompose.run_rules = Both()
    differing, failed, count = [], {}, 0
    for pack in options.packs:
        cases = importlib.import_module(f"tests.{pack}.cases").CASES
        variants = [v for case in cases for v in case.variants() if v.dtype is case.dtypes[0]]
        for variant in variants[:: options.every]:
            count, both.differs = count + 1, False
            try:
                model, shapes = _model(variant.case.call, variant.dtype), _dynamic_shapes(variant)
                torch2trt.explain(model, variant.tensors(0), dynamic_shapes=shapes)
            except torch2trt.CaptureError as error:
                failed[variant.id] = str(error)[:200]
            differing += [f"{pack}: {variant.id}"] * both.differs
    result = {
        "rows": count,
        "programs": both.programs,
        "traced again": both.refused,
        "process seconds": both.seconds,
        "ratio": both.seconds["call by call"] / both.seconds["traced again"],
        "differing": differing,
        "not captured": failed,
    }
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps({"environment": environment(), **result}, indent=1) + "\n")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
