"""The filters of the page of operators, tried in a browser."""

import json
import re
from pathlib import Path

import pytest

from .browser import CHROMIUM, browse

DOCS = Path(__file__).parent.parent / "docs"
PROBE = """
const found = {};
for (const [search, chosen] of ASKED) {
  place.querySelector("input").value = search;
  for (const select of place.querySelectorAll("select")) select.value = chosen[select.name] ?? "";
  place.querySelector("input").dispatchEvent(new Event("input"));
  const seen = [...document.querySelectorAll("tbody tr")].filter(row => row.getClientRects().length);
  found[JSON.stringify([search, chosen])] = [place.querySelector("output").textContent, seen.map(row => row.cells[0].textContent)];
}
document.title = JSON.stringify(found);
"""


def rows_of(page):
    """``(pack, target, dtypes, dynamic, declined)`` of every row."""
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        for target, dtypes, dynamic, declined in re.findall(
            r"^\| `(.+?)` \| (.*?) ?\| (.*?) ?\| \d+ \| (.*?) ?\|$", section, re.MULTILINE
        ):
            yield section.partition(":")[0], target, dtypes.split(), dynamic, declined.replace("\\|", "|")


def html_of(rows):
    """The tables as the site has them."""
    page, last = '<div id="filters"></div>', None
    for pack, target, dtypes, dynamic, declined in rows:
        if pack != last:
            head = "".join(f"<th>{name}</th>" for name in ("target", "dtypes", "dynamic", "checks", "declined"))
            page += f"{'</tbody></table>' if last else ''}<h2>{pack}: targets</h2><table><thead><tr>{head}</tr></thead><tbody>"
            last = pack
        cells = (f"<code>{target}</code>", " ".join(dtypes), dynamic, "1", declined)
        page += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    return f"<!doctype html><title></title>{page}</tbody></table>"


@pytest.mark.skipif(CHROMIUM is None, reason="this is looked at in Chromium, which is not installed")
def test_the_operators_can_be_searched_and_filtered(tmp_path):
    rows = list(rows_of((DOCS / "operators.md").read_text("utf-8")))
    every = [target for _, target, *_ in rows]
    bf16 = [target for pack, target, dtypes, dynamic, _ in rows if pack == "vision" and "bf16" in dtypes and dynamic]
    declined = [target for _, target, *_, why in rows if why]
    asked = {
        ("", "{}"): every,
        ("GELU aten", "{}"): [target for target in every if "gelu" in target and "aten" in target],
        ("", json.dumps({"pack": "vision", "dtype": "bf16", "dynamic": "with dynamic sizes"})): bf16,
        ("", json.dumps({"declined": "declined in some cases"})): declined,
        ("eigen", json.dumps({"declined": "never declined"})): [],
    }
    assert len(every) > 400
    assert all(0 < len(expected) < len(every) for expected in list(asked.values())[1:-1])
    page = tmp_path / "operators.html"
    questions = json.dumps([[search, json.loads(chosen)] for search, chosen in asked])
    script = (DOCS / "site/operators.js").read_text("utf-8") + PROBE.replace("ASKED", questions)
    page.write_text(f"{html_of(rows)}<script>{script}</script>", "utf-8")
    (title,) = re.findall(r"<title>(\{.*?\})</title>", browse(page, "--dump-dom"))
    found = list(json.loads(title).values())
    assert [targets for _, targets in found] == list(asked.values())
    assert [count for count, _ in found] == [f"{len(targets)} of {len(every)} targets" for targets in asked.values()]


def test_the_site_loads_the_filters_and_nothing_from_elsewhere():
    site = (DOCS.parent / "mkdocs.yml").read_text("utf-8")
    assert "site/operators.js" in site
    assert "font: false" in site
    for path in (DOCS / "site").iterdir():
        assert not re.findall(r"https?:|@import|fetch\(", path.read_text("utf-8"))
    assert '<div id="filters"></div>' in (DOCS / "operators.md").read_text("utf-8")
