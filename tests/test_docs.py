"""The examples of the documentation run, and its reference pages name everything."""

import dataclasses
import inspect
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch2trt
import torch2trt.testing
from torch2trt import lib
from torch2trt.packs import hookspecs

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "plugins_example/README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    [
        # it converts whole decoders
        pytest.param(page, marks=pytest.mark.slow if page.name == "generation.md" else ())
        for page in PAGES
        if examples(page)
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
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


def hooks():
    return {name: getattr(hookspecs, name) for name in dir(hookspecs) if name.startswith("torch2trt_")}


def text_of(*pages):
    return "\n".join((ROOT / "docs" / page).read_text() for page in pages)


def headings(text):
    return {name for _, name in re.findall(r"^(##+ |::: torch2trt\.)(\w+)(?: \{.*\})?$", text, re.MULTILINE)}


def test_every_hook_has_a_heading():
    assert {name for name in headings(text_of("hooks.md")) if name.startswith("torch2trt_")} == set(hooks())


@pytest.mark.parametrize("name", hooks())
def test_the_signature_of_a_hook_is_that_of_its_specification(name):
    (shown,) = re.findall(rf"^def {name}\((.*?)\) -> (.*?): \.\.\.$", text_of("hooks.md"), re.DOTALL | re.MULTILINE)
    signature = inspect.signature(hooks()[name])
    parameters = ", ".join(f"{p.name}: {p.annotation}" for p in signature.parameters.values())
    assert (shown[0].strip(), shown[1]) == (parameters, signature.return_annotation)


def test_the_api_pages_name_everything_that_is_public():
    pages = text_of("api/index.md", "api/packs.md", "api/errors.md", "api/classic.md")
    assert headings(pages) == set(torch2trt.__all__)


def test_the_api_page_of_the_test_kit_names_everything_of_it():
    directives = re.findall(r"^::: torch2trt\.testing\.(\w+)$", text_of("api/testing.md"), re.MULTILINE)
    assert set(directives) == set(torch2trt.testing.__all__)


def test_the_page_of_lib_names_every_verb():
    page = text_of("api/lib.md")
    types_listed = set(re.findall(r"^- `([A-Z]\w+)`: ", page, re.MULTILINE))
    verbs = set(re.findall(r"^### (\w+) ", page, re.MULTILINE))
    assert verbs | types_listed == set(lib.__all__)


def test_the_page_of_lib_is_fresh():
    done = subprocess.run([sys.executable, "tools/lib_reference.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/api/lib.md is stale; run python tools/lib_reference.py"


def test_newcomers_are_tried_with_the_commands_of_the_docs():
    script = (ROOT / "tools/newcomer.sh").read_text().partition("# docs/index.md")[2]
    steps = re.findall(r"^(?:pip|torch2trt|cd|pytest)\b.*$", script, re.MULTILINE)
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of("index.md", "writing_a_pack.md"), re.DOTALL | re.MULTILINE)
    said = {re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()}
    assert len(steps) == 7
    assert set(steps) - said == {"torch2trt packs --check"}  # which is in a sentence
    assert "`torch2trt packs --check`" in text_of("writing_a_pack.md")


def test_every_setting_is_on_the_page():
    named = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text_of("settings.md").partition("## Env")[0], re.MULTILINE)
    assert set(re.findall(r"\w+", " ".join(named))) == {field.name for field in dataclasses.fields(torch2trt.Settings)}


def test_every_error_and_warning_is_explained():
    names = {
        name for name in vars(torch2trt.errors) if name.endswith(("Error", "Warning")) and name != "Torch2TRTError"
    }
    assert set(re.findall(r"^(?:\*\*|\| )`(\w+)`", text_of("errors.md"), re.MULTILINE)) == names
