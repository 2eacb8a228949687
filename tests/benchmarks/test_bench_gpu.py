"""What the comparison on a GPU does without one: its processes, statistics, record, table and page."""

import contextlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bench_gpu
from gpu.columns import COLUMNS, find
from gpu.measure import relative_error, spread, timed
from gpu.page import page
from gpu.peers import PEERS
from gpu.process import Environment, Worker
from gpu.record import Record, load, merged
from gpu.roofline import bound, work
from gpu.rows import ROWS, missing
from gpu.run import Deadline, Repetitions, bench, chosen
from gpu.table import markdown, number

#: made up for these tests: nobody has measured it
RATES = {"flop_per_s": {"fp16": 4e14, "tf32": 2e14}, "bytes_per_s": 2e12}
FAKE = {
    "convert_s": 1.5,
    "first_call_s": 0.5,
    "error": 2e-4,
    "peak_mib": 10.0,
    "held_mib": 20.0,
    "host_mib": 30.0,
    "us": {"host": [5.0, 4.0, 6.0], "latency": [120.0, 110.0, 130.0], "rate": [100.0, 90.0, 140.0]},
}
ROW = {
    "row": "made_up",
    "batch": 1,
    "dtype": "fp16",
    "flop": 2e10,
    "numbers": 1e7,
    "columns": {"eager": FAKE, "ours": {"failure": "BuildError: a | b <c>"}, "inductor": {**FAKE, "error": None}},
}


@pytest.fixture(scope="module")
def measured():
    """The tiny row by columns of this folder, in processes of their own."""
    path = (str(Path(__file__).parent),)
    names = ["columns_for_tests:Talks", "columns_for_tests:Crashes"]
    with pytest.MonkeyPatch.context() as patch, bench("cpu", Repetitions(2, 3, 2), Environment(), 120) as place:
        patch.setenv("PYTHONPATH", path[0])
        patch.syspath_prepend(path[0])
        yield place.row("tiny", 2, "fp32", names)


@pytest.mark.slow
def test_columns_take_turns_in_processes(measured):
    assert (measured["row"], measured["batch"], measured["dtype"]) == ("tiny", 2, "fp32")
    # by hand: two convolutions on 32x32 and 15x15 and a linear layer, for a batch of two
    assert measured["flop"] == 2 * 2 * (32 * 32 * 8 * 27 + 15 * 15 * 8 * 72 + 80)
    times = measured["columns"]["columns_for_tests:Talks"]["us"]
    assert set(times) == {"host", "latency", "rate"}
    assert all(0 < low <= middle <= high for middle, low, high in times.values())


@pytest.mark.slow
def test_what_a_library_prints_is_no_answer(measured):
    assert measured["columns"]["columns_for_tests:Talks"]["error"] == pytest.approx(0.1, rel=1e-3)


@pytest.mark.slow
def test_a_crash_is_recorded_with_its_last_words(measured):
    failure = measured["columns"]["columns_for_tests:Crashes"]["failure"]
    assert failure == "the process ended with status 3: the last words"


def test_who_takes_too_long_is_asked_no_more():
    with Worker(Environment()) as worker:
        assert worker.ask("roofline", 0.05)["failure"].startswith("no answer within 0 s")
        assert worker.ask("roofline", 5)["failure"].startswith("the process ended with status -9")


def test_a_package_that_is_absent_or_broken_is_a_reason(tmp_path, monkeypatch):
    (tmp_path / "of_another_version.py").write_text("raise AttributeError('no such name')")
    monkeypatch.syspath_prepend(tmp_path)
    assert missing(("json", "no_such_package")) == "not installed: no_such_package"
    assert missing(("of_another_version",)) == "of_another_version cannot be imported: AttributeError: no such name"


def test_every_column_of_cuda_says_that_it_is_one():
    others = {name: column for name, column in {**COLUMNS, **PEERS}.items() if not column.on_cpu}
    assert len(others) == 10
    assert {column.why_not(ROWS["tiny"], "cpu") for column in others.values()} == {"runs on CUDA only"}
    assert find("ours").why_not(ROWS["resnet18"], "cpu") == "the interpreter runs small rows only"
    with pytest.raises(ValueError, match=r"no column 'our'; there are eager, .* module:Class"):
        find("our")


def test_the_same_model_and_inputs_come_of_a_seed():
    row = ROWS["tiny"]
    first, second = (row.model("cpu", torch.float32)(*row.inputs(3, "cpu", torch.float32)) for _ in range(2))
    assert first.shape == (3, 10)
    assert first.abs().max() > 1e-2
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_spread_is_the_median_and_quartiles():
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == [3.0, 2.0, 4.0]
    assert spread([7.0]) == [7.0, 7.0, 7.0]


def test_timed_counts_its_calls():
    calls = []
    found = timed(lambda: calls.append(1), calls=3, queued=4)
    assert len(calls) == 7
    assert {kind: len(values) for kind, values in found.items()} == {"host": 3, "latency": 3, "rate": 1}


def test_errors_are_relative_to_the_largest_value():
    right = [torch.tensor([1.0, -4.0]), torch.tensor([0.5])]
    assert relative_error((right[0] + 0.4, right[1]), right) == pytest.approx(0.1)
    assert relative_error((right[0], torch.tensor([float("nan")])), right) is None
    with pytest.raises(ValueError, match="expected are"):
        relative_error(right[0], right)


def test_the_roofline_counts_products_and_leaves_out_tables():
    model = torch.nn.Sequential(torch.nn.Embedding(1000, 8), torch.nn.Linear(8, 4, bias=False))
    _, counted = work(model, [torch.zeros(2, 3, dtype=torch.int64)])
    assert counted == {"flop": 2 * 6 * 8 * 4, "numbers": 32 + 6 + 24}
    assert bound(ROW, RATES) == pytest.approx(50)  # 2e10 / 4e14 s, more than 2e7 bytes / 2e12
    assert bound({**ROW, "flop": 0}, RATES) == pytest.approx(10)
    assert bound(ROW, None) is bound(ROW, {"failure": "no memory"}) is None
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
    with torch.no_grad():  # where PyTorch takes one operator for all of it
        _, counted = work(attention, [torch.ones(1, 4, 8)] * 3)
    assert counted["flop"] == 2 * (4 * 8 * 24 + 2 * (4 * 4 * 8) + 4 * 8 * 8)


def test_rows_are_added_to_what_a_file_has(tmp_path):
    path = tmp_path / "made_up.json"
    environment = {"date": "one", "gpu": "made up"}
    Record(path, environment, RATES, {}).add(ROW)
    later = Record(path, {**environment, "date": "two"}, None, {"ours": None})
    assert later.measured() == {("made_up", 1, "fp16")}
    later.add({**ROW, "flop": 0})
    assert Record(path, {**environment, "gpu": "another"}, None, {}).measured() == set()
    assert [run["environment"]["date"] for run in load(path)] == ["one", "two"]
    (section,) = merged(load(path))
    assert [(row["flop"], row["roofline"]) for row in section["rows"]] == [(0, None)]
    assert section["columns"] == {"ours": None}
    assert list(tmp_path.iterdir()) == [path]


def runs():
    columns = {"eager": None, "torch-tensorrt": "not installed: torch_tensorrt"}
    environment = {"date": "a day", "gpu": "made up"}
    bad = {"row": "no_model", "batch": 1, "dtype": "fp16", "why_not": "not installed: transformers", "columns": {}}
    return [{"environment": environment, "roofline": RATES, "columns": columns, "rows": [ROW, bad]}]


def test_the_table_shows_what_was_measured_and_what_was_not():
    text = markdown(json.loads(json.dumps(runs())))
    assert "| made_up | 100 (90.0 to 140) | failed | 100 (90.0 to 140) | 50.0 |" in text
    assert "| made_up | eager | 5.0 | 120 | - | 100 | 1.5 | 0.5 | 10.0 | 20.0 | 30.0 | 2.0e-04 |" in text
    assert "not finite |" in text
    assert "| made_up | ours | BuildError: a \\| b <c> |" in text
    assert "| no_model | all | not installed: transformers |" in text
    assert "- torch-tensorrt: not installed: torch_tensorrt" in text
    assert "- measured: products in TFLOP/s fp16 400, tf32 200; copies 2,000 GB/s" in text


def test_the_page_is_whole_and_needs_nothing_else():
    text = page(runs())
    open_tags = []

    class Check(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "rect", "line"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            if tag not in ("rect", "line"):
                assert open_tags.pop() == tag

    Check().feed(text)
    assert open_tags == []
    assert "src=" not in text
    assert "href=" not in text
    assert "BuildError: a | b &lt;c&gt;" in text
    # two bars of the same length, and the roofline at half of it: 140 us are the whole width of 520
    assert re.findall(r'<rect x="170" y="\d+" width="([\d.]+)"', text) == ["371.4", "371.4"]
    assert 'x1="355.7" y1="0.0"' in text
    assert [number(value) for value in (None, 12.34, 1234.5)] == ["-", "12.3", "1,234"]


def test_a_budget_and_the_order_of_rows():
    assert Deadline(0).passed()
    assert not Deadline(60).passed()
    assert not Deadline(None).passed()
    order = list(chosen(["a", "b"], [1, 32], ["fp16", "fp32"]))
    assert order[:3] == [("a", 1, "fp16"), ("b", 1, "fp16"), ("a", 32, "fp16")]
    assert len(order) == 8


class MadeUp:
    """A bench that measures nothing."""

    def row(self, row, batch, dtype, columns):
        found = {column: {"why_not": "not installed: a"} if column == "inductor" else FAKE for column in columns}
        return {**ROW, "row": row, "batch": batch, "dtype": dtype, "columns": found}

    def roofline(self):
        return RATES


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_gpu, "bench", lambda *_: contextlib.nullcontext(MadeUp()))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench_gpu.py", "--json", str(tmp_path / "made_up.json"), *arguments])
        return bench_gpu.main()

    return run


def test_the_command_measures_adds_and_goes_on(command, tmp_path, capsys):
    asked = ["--dry-run", "--rows", "gpt2,swin_t", "--columns", "ours,inductor"]
    assert command(*asked, "--minutes", "0") == 0
    assert "inductor: not installed: a" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())  # no time, no rows
    assert command(*asked, "--dtypes", "fp16") == 0
    assert command(*asked, "--dtypes", "fp16,bf16", "--resume") == 0
    rows = [[(row["row"], row["dtype"]) for row in run["rows"]] for run in load(tmp_path / "made_up.json")]
    assert rows == [[("gpt2", "fp16"), ("swin_t", "fp16")], [("gpt2", "bf16"), ("swin_t", "bf16")]]
    assert "| swin_t | 100 (90.0 to 140) |" in (tmp_path / "made_up.md").read_text()
    assert (tmp_path / "made_up.html").read_text().count("<svg") == 4


def test_the_command_ends_where_there_is_no_use(command, capsys, monkeypatch):
    assert command("--dry-run", "--columns", "ours,inductor", "--require", "inductor") == 1
    assert capsys.readouterr().out.endswith("required, and cannot run: inductor\n")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert command() == 2
    assert capsys.readouterr().out.startswith("bench-gpu needs a GPU, and PyTorch finds none here")
    with pytest.raises(SystemExit, match=r"no row resnet; .*no dtype int8.*no column 'our';"):
        command("--rows", "resnet", "--dtypes", "int8", "--columns", "our")
