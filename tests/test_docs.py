"""The examples of the documentation run."""

import re
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda page: page.stem)
@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_the_examples_of_a_page_run_in_order(page, monkeypatch, tmp_path):
    from torch2trt import CONVERTERS

    # a script of its own: hooks are found in it and converters belong to it
    script = types.ModuleType("docs_example")
    monkeypatch.setitem(sys.modules, "docs_example", script)
    try:
        for example in examples(page):
            exec(example.replace("/tmp/", f"{tmp_path}/"), vars(script))
    finally:
        for name in [name for name in CONVERTERS if CONVERTERS[name].pack.name == "user"]:
            del CONVERTERS[name]
