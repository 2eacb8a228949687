"""Write docs/operators.md from the registry and the packs' case tables; ``--check`` fails when it is stale."""

import importlib
import sys
from collections import defaultdict
from pathlib import Path

from generated import write_or_check
from torch2trt.dtypes import short_name
from torch2trt.packs.loading import Packs
from torch2trt.packs.targets import resolve
from torch2trt.testing import Case

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "operators.md"
TABLES = ("base", "vision", "transformer", "quantization")
SHORT = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32", "bool": "b8"}

HEAD = """# Operators

Every target that the built-in packs convert, from the registry and the case tables that test it. *dtypes* are those of
the inputs in the rows, *dynamic* says whether a row has dynamic sizes, *checks* how many tests the rows make on each
runtime, *declined* when the converter says no, in its own words (a part of the reason is enough to find it).
`torch2trt converters` prints the targets of all installed packs.

Written by `tools/operator_matrix.py`; a test fails when it is stale.
"""


def tables() -> dict[str, list[Case]]:
    """The rows of every built-in pack."""
    sys.path.insert(0, str(ROOT))
    return {pack: importlib.import_module(f"tests.{pack}.cases").CASES for pack in TABLES}


def dtypes_of(case: Case) -> set[str]:
    """The dtypes of a row's inputs in its variants."""
    return {short_name(sample.dtype) for variant in case.variants() for sample in variant.samples(0)}


def page() -> str:
    """The whole page."""
    cases: dict[object, list[Case]] = defaultdict(list)
    for rows in tables().values():
        for case in rows:
            cases[resolve(case.target).obj].append(case)
    sections = []
    loaded = Packs.load(block=("example",))
    for pack in TABLES:
        lines = ["| target | dtypes | dynamic | checks | declined |", "|---|---|---|---|---|"]
        heads = {c.target.obj: c.target.name for c in loaded.converters if c.pack.name == pack}
        for obj, name in sorted(heads.items(), key=lambda item: item[1]):
            rows = cases[obj]
            count = sum(len(list(case.variants())) for case in rows)
            dtypes = sorted(set().union(*map(dtypes_of, rows)) if rows else set())
            dynamic = "yes" if any(case.dynamic and not case.rejects for case in rows) else ""
            declined = "; ".join(sorted({case.rejects.replace("|", "\\|") for case in rows if case.rejects}))
            shown = " ".join(SHORT.get(dtype, dtype) for dtype in dtypes)
            lines.append(f"| `{name}` | {shown} | {dynamic} | {count} | {declined} |")
        sections.append(f"## {pack}: {len(heads)} targets\n\n" + "\n".join(lines) + "\n")
    targets = sum(1 for c in {c.target.obj for c in loaded.converters if c.pack.name in TABLES})
    decomposed = sum(len(list(c.variants())) for rows in tables().values() for c in rows if not c.whole)
    total = f"{targets} targets; {sum(len(list(c.variants())) for rows in tables().values() for c in rows)} checks, "
    total += f"{decomposed} of them of calls that PyTorch decomposes into these targets.\n"
    total += '\n<div id="filters"></div>\n'  # docs/site/operators.js puts filters here
    return "\n".join([HEAD, total, *sections])


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page()))
