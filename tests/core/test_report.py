"""The page about a plan or a module: what stands in it, that nothing can be smuggled into it, and how it looks."""

import html.parser
import json
import re

import pytest
import torch
import torch2trt
from torch2trt.report.graph import drawing_of
from torch2trt.report.page import Page
from torch2trt.runtime.layers import described, fused_layers, layer_times, origins

from ..browser import CHROMIUM, browse

VOID = {"meta", "br", "input", "path", "rect"}
EVIL = "<script>alert('&\"')</script>"


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)

    def forward(self, x):
        return torch.linalg.eigvalsh(self.linear(x)).relu() + x


def inputs():
    return [torch.eye(4)]


class Elements(html.parser.HTMLParser):
    """The texts of a page's elements, which must be closed in order; the start tags with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open[-1] not in ("style", "script"):
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def plan():
    return torch2trt.explain(Block().eval(), inputs(), fallback=True, min_segment=1)


@pytest.fixture(scope="module")
def written(plan, tmp_path_factory):
    """The page of a module with a segment in PyTorch."""
    path = tmp_path_factory.mktemp("report") / "module.html"
    plan.convert().report(path)
    return path


def test_the_page_of_a_plan_has_every_call_with_its_converter_and_reasons(plan):
    page = Elements(plan.to_html())
    text = " ".join(page.texts)
    for row in json.loads(plan.to_json()):
        assert ("tr", {"id": f"call-{row['name']}"}) in page.tags
        assert ("a", "call-" + row["name"]) in [(tag, "call-" + one.get("data-call", "")) for tag, one in page.tags]
        for word in (row["target"], row["arguments"], row["converter"] or "", *row["reasons"]):
            assert word in text
        assert row["converter_source"] is None or row["converter_source"] in text
    assert "test_report.py:" in text
    assert "fallback True min_segment 1" in text
    # the graph: the linear takes the input, the sum takes it too
    assert sum(tag == "path" for tag, _ in page.tags) == 5


def test_a_page_needs_nothing_else(plan):
    text = plan.to_html()
    assert not [one for tag, one in Elements(text).tags if "src" in one or tag == "link"]
    assert {one["href"][0] for _, one in Elements(text).tags if "href" in one} == {"#"}
    assert not re.findall(r"@import|url\(|fetch\(|https?://(?!www\.w3\.org/2000/svg)", text)


def test_the_page_of_a_module_is_that_of_its_file(plan, written, tmp_path):
    module = plan.convert()
    module.save(tmp_path / "module.trt")
    torch2trt.load(tmp_path / "module.trt").report(tmp_path / "loaded.html")
    assert (tmp_path / "loaded.html").read_text("utf-8") == written.read_text("utf-8")
    texts = Elements(written.read_text("utf-8")).texts
    assert [texts.count(one) for one in ("an engine", "PyTorch")] == [2, 1]
    segment = texts.index("PyTorch")
    assert texts[segment + 2 : segment + 4] == ["linear", "_linalg_eigh[0]"]  # what PyTorch takes and gives
    assert "torch2trt_ops_base.matmul.linear" in texts


def test_a_call_that_several_segments_run_stands_on_the_page_once(tmp_path):
    def shared(x):
        rows = x.shape[0] * 2  # which the segments before and after PyTorch's both compute
        return torch.linalg.eigvalsh((x * rows).reshape(-1, 2, 2)) + rows

    given = [torch2trt.Input(min=(1, 4), opt=(2, 4), max=(8, 4))]
    options = {"fallback": True, "min_segment": 1}
    module = torch2trt.convert(shared, given, **options)
    module.report(tmp_path / "built.html")
    ids = [one["id"] for tag, one in Elements((tmp_path / "built.html").read_text("utf-8")).tags if tag == "tr" and one]
    assert sorted(ids) == ["call-_linalg_eigh", "call-add", "call-mul", "call-mul_1", "call-sym_size", "call-view"]
    assert "segment 0, 2" in (tmp_path / "built.html").read_text("utf-8")
    torch2trt.convert(shared, given, build=False, **options).report(tmp_path / "lowered.html")
    assert "whose calls are not known" in (tmp_path / "lowered.html").read_text("utf-8")


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_errors_of_a_comparison_stand_beside_the_calls(tmp_path):
    model, x = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()).eval(), torch.randn(2, 4)
    module = torch2trt.convert(model, [x], build=False)
    comparison = torch2trt.compare(model, module, [x])
    module.report(tmp_path / "module.html", comparison=comparison)
    page = Elements((tmp_path / "module.html").read_text("utf-8"))
    assert comparison.summary() in page.texts
    assert "none was built" in page.texts
    for row in comparison.to_dict()["calls"]:
        assert f"{row['error']:.2g}" in page.texts


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_a_page_has_no_column_of_errors_that_no_call_has(plan, tmp_path):
    module = plan.convert()
    module.report(tmp_path / "module.html", comparison=torch2trt.compare(Block().eval(), module, inputs(), tolerance=9))
    texts = Elements((tmp_path / "module.html").read_text("utf-8")).texts
    assert "agrees" in texts
    assert "by itself" not in texts  # with a segment in PyTorch, outputs alone are compared


def test_an_empty_module_has_no_page(tmp_path):
    with pytest.raises(torch2trt.EngineError, match="empty"):
        torch2trt.TRTModule().report(tmp_path / "module.html")
    assert not list(tmp_path.iterdir())


def test_nothing_that_a_page_shows_is_html():
    texts = ("name", "target", "action", "pack", "converter", "converter_source", "arguments", "module", "source")
    call = {**dict.fromkeys(texts, EVIL), "reasons": [EVIL], "overrides": [EVIL], "takes": [EVIL], "results": [EVIL]}
    output = {"name": EVIL, "error": EVIL, "tolerance": 0.1}
    error = {"name": EVIL, "error": EVIL, "own_error": 1.0, "beyond": True}
    page = Page(
        EVIL,
        {EVIL: EVIL},
        [EVIL],
        [EVIL],
        [call, {"reasons": EVIL}],
        [{"runs_in": EVIL, "calls": EVIL, "takes": [EVIL], "gives": [EVIL]}],
        {"agrees": False, "outputs": [output], "calls": [error]},
        EVIL,
        [{"layer": EVIL, "ms": 1.0, "calls": [EVIL]}],
    )
    elements = Elements(page.render())
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert elements.texts.count(EVIL) > 15
    assert not {name for _, attributes in elements.tags for name in attributes if name.startswith("on")}


def test_a_drawing_has_calls_below_what_they_take():
    calls = [
        {"id": "a", "target": "f", "module": "", "action": "convert", "takes": ["x"]},
        {"id": "b", "target": "f", "module": "", "action": "convert", "takes": ["x"]},
        {"id": "c", "target": "g", "module": "", "action": "torch", "takes": ["a", "b", "x", "unknown"]},
    ]
    drawing = drawing_of(["x"], calls)
    y = {node.id: node.y for node in drawing.nodes}
    assert y["x"] < y["a"] == y["b"] < y["c"]
    places = {(node.x, node.y) for node in drawing.nodes}
    assert len(places) == 4
    assert len(drawing.edges) == 5
    assert all(0 <= x < drawing.width and 0 <= y < drawing.height for x, y in places)
    assert drawing_of([], []).nodes == ()


def test_calls_of_subprograms_are_told_apart():
    class Branches(torch.nn.Module):
        def forward(self, x, flag):
            return torch.cond(flag, lambda x: x + 1, lambda x: x + 2, (x,)) + x

    plan = torch2trt.explain(Branches(), [torch.ones(2), torch.tensor(True)])
    rows = json.loads(plan.to_json())
    assert [(row["id"], row["name"], row["segments"]) for row in rows] == [
        ("cond", "cond", [0]),
        ("cond/true_graph_0/add", "add", []),
        ("cond/false_graph_0/add", "add", []),
        ("add", "add", [0]),
    ]
    drawing = drawing_of(["x", "flag"], rows)
    assert len({(node.x, node.y) for node in drawing.nodes}) == 6
    assert len(drawing.edges) == 2 + 1 + 1 + 2
    assert [one["id"] for tag, one in Elements(plan.to_html()).tags if tag == "tr" and one] == [
        f"call-{row['id']}" for row in rows
    ]


PROBE = """<script>
addEventListener("load", () => {
  const search = document.getElementById("search");
  search.value = "eigh base";
  search.dispatchEvent(new Event("input"));
  const seen = selector => [...document.querySelectorAll(selector)].filter(one => one.getClientRects().length).length;
  parent.postMessage(JSON.stringify({
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    width: innerWidth,
    rows: seen("#calls tbody tr"),
    heads: seen("#calls thead th"),
    marked: document.querySelectorAll(".drawing a.found").length,
    matches: document.getElementById("matches").textContent,
    background: getComputedStyle(document.body).backgroundColor,
  }), "*");
});
</script>"""
#: a browser's own window is never as narrow as a phone
FRAME = """<title></title><script>addEventListener("message", event => { document.title = event.data; });</script>
<iframe src="probed.html" width="WIDTH" height="900" style="border: 0"></iframe>"""


@pytest.mark.skipif(CHROMIUM is None, reason="this is looked at in Chromium, which is not installed")
@pytest.mark.parametrize(
    ("width", "dark", "background", "heads"),
    [(1200, False, "rgb(255, 255, 255)", 6), (390, True, "rgb(17, 19, 22)", 0)],
    ids=["desktop-light", "phone-dark"],
)
def test_a_browser_shows_and_searches_it(written, tmp_path, width, dark, background, heads):
    (tmp_path / "probed.html").write_text(written.read_text("utf-8") + PROBE, "utf-8")
    page = tmp_path / "frame.html"
    page.write_text(FRAME.replace("WIDTH", str(width)), "utf-8")
    (title,) = re.findall(r"<title>(\{.*?\})</title>", browse(page, "--dump-dom", dark=dark))
    found = json.loads(title)
    assert found == {
        "overflow": 0,
        "width": width,
        "rows": 1,
        "heads": heads,
        "marked": 1,
        "matches": "1 of 4",
        "background": background,
    }


def test_a_layer_comes_of_the_calls_that_the_lowering_noted_in_it_or_else_of_those_in_its_name():
    calls = [
        {"id": "linear", "name": "linear", "module": "head.0", "target": "aten.linear.default"},
        {"id": "relu", "name": "relu", "module": "", "target": "aten.relu.default"},
        {"id": "other", "name": "other", "module": "head.1", "target": "aten.linear.default"},
    ]
    noted = "\x1e".join(json.dumps({"id": name, "source": "a.py:1"}) for name in ("relu", "linear", "unknown"))
    told = {"Name": "head.1/aten.linear.default#0", "Metadata": f"{noted}\x1e{{broken}}"}
    assert described(json.dumps(told), calls) == ("head.1/aten.linear.default#0", ["linear", "relu"])
    assert described(json.dumps({"Name": "aten.relu.default#0"}), calls) == ("aten.relu.default#0", ["relu"])
    as_told = f'{{"Name" : "__myl_FcAddRelu_myl0_0", "Metadata": "{noted}"\n}}'  # as engines tell it
    assert described(as_told, calls) == ("__myl_FcAddRelu_myl0_0", ["linear", "relu"])
    assert described('"aten.relu.default#1"', calls) == ("aten.relu.default#1", ["relu"])
    assert described("copy", calls) == ("copy", [])
    assert origins("__mye1_head.0/aten.linear.default#0 + (aten.relu.default#12)", calls)[-1:] == ["relu"]
    assert origins("head.0/aten.linear.default#3+aten.relu.default#0", calls) == ["linear", "relu"]
    assert origins("Reformatting CopyNode for Input Tensor 0", calls) == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_layers_of_an_engine_have_times_and_calls(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64)).eval().cuda()
    x = torch.randn(8, 64, device="cuda")
    module = torch2trt.convert(model, [x], runtime="engine")
    expected = module(x)
    layers = layer_times(module._engine, module.signature, [])
    fused = fused_layers(module.engine, [planned.to_dict() for planned in module.lowered.plan])
    assert all(layer["ms"] >= 0 for layer in layers)
    assert set() < {layer["layer"] for layer in layers} <= fused.keys()
    known = {planned.id for planned in module.lowered.plan}
    assert set() < {name for names in fused.values() for name in names} <= known
    assert {name for layer in layers for name in layer["calls"]} <= known
    assert module.cuda_graphs
    torch.testing.assert_close(module(x), expected)
    module.report(tmp_path / "module.html")
    assert "Time by layer of the engine" in (tmp_path / "module.html").read_text("utf-8")
