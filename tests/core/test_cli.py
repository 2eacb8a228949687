"""The command line."""

import contextlib
import json
import os
import re
import subprocess
import sys
import warnings

import numpy
import pytest
import torch
import torch2trt
from rich.console import Console
from torch2trt import Packs, _trt, converter, hookimpl
from torch2trt.cache.place import store_of
from torch2trt.cli import app, main
from torch2trt.cli.measure import Times, timed
from torch2trt.cli.pack_checks import lacks, unmet
from torch2trt.cli.phases import Phases, remembered
from torch2trt.packs.converters import PackInfo
from typer.testing import CliRunner


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def program(tmp_path):
    def save(model):
        exported = torch.export.export(model, (torch.randn(2, 4),), strict=False)
        torch.export.save(exported, tmp_path / "model.pt2")
        return tmp_path / "model.pt2"

    return save


def test_packs_and_converters_are_listed(run):
    assert "torch2trt-ops-base" in run("packs").stdout
    rows = json.loads(run("converters", "--json").stdout)
    assert {"target": "aten.relu.default", "pack": "base"}.items() <= next(
        r for r in rows if r["target"] == "aten.relu.default"
    ).items()
    assert "aten.relu.default" in run("converters").stdout


def test_the_chain_of_a_target_says_who_wins_and_who_is_overridden(run):
    rows = json.loads(run("converters", "--target", "aten.hardswish.default", "--json").stdout)
    assert [(row["pack"], row["place"]) for row in rows] == [("example", "winner"), ("base", "asked next")]
    assert rows[0]["rejects"] == "overflows"
    shown = run("converters", "--target", "aten.hardswish.default").stdout
    assert f"{rows[1]['file']}:{rows[1]['source'].partition(':')[2]}" in shown
    scaled = json.loads(run("converters", "--target", "torch2trt_example.scaled_tanh.default", "--json").stdout)
    place = "winner" if _trt.FLAVOR == "tensorrt" else f"needs tensorrt, here is rtx {_trt.version()}"
    assert (scaled[0]["place"], scaled[0]["requires"]) == (place, ["tensorrt"])
    missing = run("converters", "--target", "aten.rellu.default")
    assert missing.exit_code == 1
    assert "did you mean 'aten.relu.default'?" in missing.stderr
    known = run("converters", "--target", "aten.bitwise_left_shift.Tensor_Scalar_out")
    assert "no installed pack has a converter of aten.bitwise_left_shift" in known.stderr


def test_packs_are_checked(run):
    done = run("packs", "--check", "--json")
    assert done.exit_code == 0
    packs = {row["pack"] for row in json.loads(done.stdout)}
    assert packs == {"base", "example", "quantization", "transformer", "vision"}
    assert not any(row["lacks"] for row in json.loads(done.stdout))


def test_what_a_pack_lacks_is_listed(tmp_path):
    @converter("aten.relu.default")
    def relu(ctx, input): ...

    class Plugin:
        @hookimpl
        def torch2trt_register_converters(registry):
            registry.add(relu)

    packs = Packs.load(autoload=False, extra=[Plugin])
    assert [lack.partition(" ")[0] for lack in lacks(packs.packs[0], packs)] == ["a", "the"]
    info = tmp_path / "bare_pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: bare-pack\nVersion: 1.0\nRequires-Dist: torch2trt-core>9\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        named = PackInfo(packs.packs[0].name, "bare-pack", "1.0")
        text = "\n".join(lacks(named, packs))
        for word in ("a description", "requires-python", "a license", "a readme", "an upper bound of torch2trt-core"):
            assert word in text
        assert unmet("bare-pack") == [f"bare-pack 1.0 needs torch2trt-core>9, here is {torch2trt.__version__}"]


def test_explain_convert_and_inspect(run, program, tmp_path):
    path = program(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval())
    explained = run("explain", path, "--json")
    assert explained.exit_code == 0
    assert [row["target"] for row in json.loads(explained.stdout)] == ["aten.linear.default", "aten.relu.default"]
    assert run("convert", path, tmp_path / "model.trt").exit_code == 0
    assert (
        json.loads(run("inspect", tmp_path / "model.trt", "--json").stdout)["signature"]["inputs"][0]["dtype"]
        == "float32"
    )


def test_an_error_is_its_message_and_exit_status_1(run, tmp_path):
    path = tmp_path / "other.trt"
    path.write_bytes(b"not ours")
    done = run("inspect", path)
    assert done.exit_code == 1
    assert "EngineError: " in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_program_or_cannot_be_written_is_said_in_words(run, program, tmp_path, capfd):
    text, weights = tmp_path / "notes.txt", tmp_path / "weights.pth"
    text.write_text("hello")
    torch.save({"weight": torch.ones(2)}, weights)
    path = program(torch.nn.ReLU())
    for arguments, named in (
        (("explain", text), "notes.txt holds no program"),
        (("convert", weights, tmp_path / "x.trt"), "weights.pth holds no program"),
        (("convert", path, tmp_path / "no" / "place.trt"), "place.trt"),
        (("inspect", path), "model.pt2"),
    ):
        done = run(*arguments)
        assert done.exit_code == 1
        assert named in done.stderr
        assert "Traceback" not in done.output + capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
def test_compare_tells_agreement_by_its_exit_status(run, program, tmp_path):
    path = program(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()).eval())
    found = run("compare", path, "--json")
    assert found.exit_code == 0
    assert [row["target"] for row in json.loads(found.stdout)["calls"]] == ["aten.linear.default", "aten.tanh.default"]
    assert "they agree" in run("compare", path).stdout
    torch.save([torch.full((2, 4), torch.nan)], tmp_path / "inputs.pt")
    assert run("compare", path, "--inputs", tmp_path / "inputs.pt", "--tolerance", 0).exit_code == 0
    torch.save([torch.randn(3, 4)], tmp_path / "inputs.pt")
    other = run("compare", path, "--inputs", tmp_path / "inputs.pt")
    assert other.exit_code == 1
    assert "InputError: input 'input' has size 3 in dimension 0" in other.stderr
    assert "holds no tensors that torch.load can read" in run("compare", path, "--inputs", path).stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="this is about machines without a GPU")
def test_a_saved_engine_is_compared_where_it_can_run(run, program, tmp_path):
    path = program(torch.nn.Tanh())
    assert run("convert", path, tmp_path / "model.trt", "--verify").exit_code == 0
    done = run("compare", path, tmp_path / "model.trt")
    assert done.exit_code == 1
    assert "EngineError: an engine needs an NVIDIA GPU" in done.stderr


IN_TORCH = {"fallback": True, "run_in_torch": ["aten.relu.default", "aten.add.Tensor"]}


def states(done):
    return {row["about"]: row["state"] for row in json.loads(done.stdout)}


def test_the_doctor_finds_what_is_here(run, monkeypatch):
    done = run("doctor", "--json")
    assert done.exit_code == 0
    found = states(done)
    assert {found[name] for name in ("torch2trt", "PyTorch", "TensorRT", "pack base", "pack vision")} == {"ok"}
    assert "GPU" in found or found["GPU 0"] == "ok"
    assert found["cache"] == "limited"  # which these tests turn off
    monkeypatch.setenv("TORCH2TRT_BLOK", "base")
    monkeypatch.setenv("TORCH2TRT_BLOCK", "visoin")
    broken = run("doctor", "--json")
    assert broken.exit_code == 1
    assert states(broken)["packs"] == "broken"
    for word in ("did you mean 'TORCH2TRT_BLOCK'?", "did you mean 'vision'?"):
        assert word in broken.stdout
    assert "1 broken" in run("doctor").stdout


def test_the_doctor_looks_at_the_cache_and_at_what_is_missing(run, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "1G")
    monkeypatch.setenv("TORCH2TRT_CACHE", str(tmp_path / "kept"))
    monkeypatch.setenv("HOME", str(tmp_path))
    done = run("doctor", "--json")
    assert states(done)["cache"] == "ok"
    (row,) = [row for row in json.loads(done.stdout) if row["about"] == "cache"]
    assert row["what"].startswith("~/kept, up to 1.0 GiB")
    (tmp_path / "file").touch()
    monkeypatch.setenv("TORCH2TRT_CACHE", str(tmp_path / "file" / "below"))
    assert states(run("doctor", "--json"))["cache"] == "limited"
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "much")
    assert states(run("doctor", "--json"))["cache"] == "broken"

    def missing():
        raise torch2trt.TensorRTNotFoundError("TensorRT is not installed (no module). Install it with: pip install it")

    monkeypatch.setattr(_trt, "require", missing)
    (row,) = [row for row in json.loads(run("doctor", "--json").stdout) if row["about"] == "TensorRT"]
    assert (row["state"], row["cure"]) == ("broken", "Install it with: pip install it")


@pytest.fixture(scope="module")
def in_torch(tmp_path_factory):
    """A file that runs without a GPU: PyTorch runs all of it."""
    path = tmp_path_factory.mktemp("file") / "module.trt"
    x = {"x": torch2trt.Input(min=(1, 4), opt=(3, 4), max=(8, 4)), "shift": torch.tensor([2])}
    with pytest.warns(torch2trt.FallbackWarning):
        torch2trt.convert(lambda x, shift: (x.relu() + shift, {"n": shift}), x, **IN_TORCH).save(path)
    return path


def test_a_file_is_run_on_random_or_given_inputs(run, in_torch, tmp_path):
    found = json.loads(run("run", in_torch, "--save", tmp_path / "out.pt", "--json").stdout)
    assert found["runtime"] == "torch"
    assert [(row["output"], row["shape"], row["dtype"]) for row in found["outputs"]] == [
        ("output[0]", [3, 4], "float32"),
        ("output[1]['n']", [1], "int64"),
    ]
    saved = torch.load(tmp_path / "out.pt")
    assert float(saved[0].max()) == found["outputs"][0]["max"]
    numpy.save(tmp_path / "x.npy", numpy.full((2, 4), 3, "float32"))
    numpy.save(tmp_path / "shift.npy", numpy.array([1]))
    named = {"x": torch.full((2, 4), 3.0), "shift": torch.tensor([1])}
    torch.save(named, tmp_path / "in.pt")
    numpy.savez(tmp_path / "in.npz", **named)
    for files in (("x.npy", "shift.npy"), ("in.pt",), ("in.npz",)):
        given = [word for file in files for word in ("--inputs", tmp_path / file)]
        (row, _) = json.loads(run("run", in_torch, *given, "--json").stdout)["outputs"]
        assert (row["shape"], row["min"], row["max"]) == ([2, 4], 4, 4)
    assert "ran by: torch" in run("run", in_torch).stdout


def test_inputs_that_do_not_fit_are_told_in_words(run, in_torch, tmp_path):
    torch.save([torch.ones(9, 4), torch.tensor([1])], tmp_path / "large.pt")
    numpy.save(tmp_path / "x.npy", numpy.array([object()]), allow_pickle=True)
    for files, words in (
        (["large.pt"], "InputError: input 'x' has size 9 in dimension 0"),
        (["x.npy"], "holds no arrays that numpy.load can read"),
        (["x.npy", "large.pt"], "only .npy may be"),
    ):
        done = run("run", in_torch, *(word for file in files for word in ("--inputs", tmp_path / file)))
        assert done.exit_code == 1
        assert words in done.stderr
    assert "there is no folder" in run("run", in_torch, "--save", tmp_path / "no" / "x.pt").stderr


def test_a_file_is_timed_beside_its_model(run, in_torch, tmp_path, monkeypatch):
    (tmp_path / "torch2trt_timed.py").write_text("def make():\n    return lambda x, shift: x.relu() + shift\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "compile", lambda model: lambda **inputs: 1 / 0)
    done = run("bench", in_torch, "--model", "torch2trt_timed:make", "--calls", 10, "--json")
    found = json.loads(done.stdout)
    assert set(found["timed"]) == {"torch2trt", "eager"}
    assert found["failed"] == {"inductor": "ZeroDivisionError: division by zero"}
    times = found["timed"]["torch2trt"]
    assert times["calls"] == 10
    latency = times["latency_ms"]
    assert 0 < latency["fastest"] <= latency["median"] <= latency["p95"] <= latency["slowest"]
    assert times["calls_per_second"] > 0
    assert "calls/s" in run("bench", in_torch, "--calls", 5).stdout


class Cache(torch.nn.Module):
    """Has room for three calls."""

    def __init__(self):
        super().__init__()
        self.register_buffer("rows", torch.zeros(3, 4))
        self.register_buffer("place", torch.zeros(1, dtype=torch.int64))

    def forward(self, x):
        self.rows.index_copy_(0, self.place, x)
        self.place += 1
        return self.rows.sum(0)


def test_a_module_that_writes_buffers_is_timed_from_its_first_ones(run, tmp_path):
    with pytest.warns(torch2trt.FallbackWarning):
        module = torch2trt.convert(Cache(), [torch.ones(1, 4)], fallback=True, run_in_torch=[Cache])
    module.save(tmp_path / "cache.trt")
    done = run("bench", tmp_path / "cache.trt", "--calls", 5, "--json")
    assert done.exit_code == 0, done.stderr
    assert "it writes buffers" in done.stderr
    assert run("run", tmp_path / "cache.trt").exit_code == 0


def test_times_are_quantiles_of_single_calls():
    times = Times(tuple(float(n) for n in range(100)), 3.0, None)
    assert (times.at(0), times.at(0.5), times.at(0.95), times.at(1)) == (0, 50, 95, 99)
    calls = {"one": [], "other": []}
    found, failed = timed({name: lambda seen=seen: lambda: seen.append(1) for name, seen in calls.items()}, 7, Phases())
    assert list(found) == ["one", "other"]
    assert not failed
    assert len(calls["one"]) == len(calls["other"]) == 20 + 2 * 10


def test_options_become_settings(run, program, tmp_path, monkeypatch):
    code = "import torch\ndef make():\n    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval()\n"
    (tmp_path / "torch2trt_optioned.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    path, output = "torch2trt_optioned:make", tmp_path / "model.trt"
    given = ["--input", "1..8x4", "--precision", "float16", "--keep-fp32", "aten.relu.default"]
    options = [*given, "--workspace", "64M", "--cache-folder", tmp_path / "cache", "--report", tmp_path / "page.html"]
    done = run("convert", path, output, *options, "--json")
    assert json.loads(done.stdout)["bytes"] == output.stat().st_size
    settings = json.loads(run("inspect", tmp_path / "model.trt", "--json").stdout)["engine"]["settings"]
    assert settings["precision"] == "torch.float16"
    assert settings["keep_fp32"] == ["aten.relu.default"]
    assert settings["workspace"] == 2**26
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "float32: keep_fp32 has" in page
    assert "<dt>progress" not in page  # which --json turns off, and no part of a module
    shown = run("inspect", tmp_path / "model.trt").stdout
    assert "inputs     input float32[1..8, 4]" in shown
    assert "outputs    output_0 float32[input.shape[0], " in shown
    for wrong, word in (
        (["--keep-fp32", "aten.relu.default"], "add precision="),
        (["--optimization-level", "9"], "a level from 0 to 5"),
        (["--workspace", "lots"], "is no size"),
        (["--no-cache", "--cache-folder", tmp_path], "give one of them"),
    ):
        done = run("convert", path, tmp_path / "other.trt", "--input", "1x4", *wrong)
        assert done.exit_code == 2
        assert word in done.stderr.replace("\n", " ")
    assert not (tmp_path / "other.trt").exists()


def test_no_name_of_a_plan_is_cut_short(run, program, monkeypatch):
    path = program(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4), torch.nn.Softmax(-1)))
    assert "…" not in run("explain", path).stdout
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr(sys.modules["torch2trt.cli.explain"], "out", Console(force_terminal=True, color_system=None))
    shown = run("explain", path).stdout
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 70  # as wide as the terminal


def test_a_plan_is_written_as_a_page(run, program, tmp_path):
    done = run("explain", program(torch.nn.ReLU()), "--html", tmp_path / "plan.html")
    assert done.exit_code == 0
    assert "aten.relu.default" in (tmp_path / "plan.html").read_text("utf-8")


def test_a_warning_is_its_message(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # which the command replaces
    monkeypatch.setattr("torch2trt.cli.app", lambda: None)
    main()
    text = warnings.formatwarning("no GPU", torch2trt.ReferenceRuntimeWarning, "choose.py", 1)
    assert text == "ReferenceRuntimeWarning: no GPU\n"


def test_a_shell_completes_the_command():
    environment = {**os.environ, "_TORCH2TRT_COMPLETE": "source_bash"}
    code = "import sys; sys.argv[0] = 'torch2trt'; from torch2trt.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert "_TORCH2TRT_COMPLETE" in done.stdout, done.stderr


def test_phases_are_told_on_a_terminal_only(capsys, monkeypatch):
    def told(**given):
        with remembered("test", ["model"], cache=False, **given) as phase:
            with phase("working", live=False):
                pass
            with phase("loading [/x].trt"):
                pass
            with phase("counting", steps=3) as done:
                done()
        return capsys.readouterr()

    assert told() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert told(shown=False) == ("", "")
    shown = told()
    assert shown.out == ""
    for words in (r"working: \d+\.\d s", r"loading \[/x\]\.trt: \d", r"counting: \d", "1/3"):
        assert re.search(words, shown.err)


def test_phases_are_told_with_what_they_took_the_last_time(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "1M")

    def told(given, fails=False, live=False):
        with contextlib.suppress(InterruptedError), remembered("test", [given], cache=tmp_path) as phase:
            with phase("working", live=live):
                pass
            if fails:
                raise InterruptedError
            phase.took["working"] = 3.21
        return capsys.readouterr().err

    assert "the last time" not in told("model", fails=True)
    assert "the last time" not in told("model")  # the one before did not end well
    assert "working … 3.2 s the last time" in told("model")
    assert re.search(r"working … \d+\.\d s of 3\.2 s the last time", told("model", live=True))
    assert "the last time" not in told("another model")
    assert {stored.about()["command"] for stored in store_of(tmp_path)} == {"test model", "test another model"}
    for stored in store_of(tmp_path):
        stored.path.write_bytes(b"damaged")
    assert "the last time" not in told("model")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_an_engine_is_run_timed_and_inspected(run, program, tmp_path):
    path = program(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval())
    assert run("convert", path, tmp_path / "model.trt", "--report", tmp_path / "page.html").exit_code == 0
    assert "Time by layer of the engine" in (tmp_path / "page.html").read_text("utf-8")
    found = json.loads(run("run", tmp_path / "model.trt", "--save", tmp_path / "out.pt", "--json").stdout)
    assert (found["runtime"], found["outputs"][0]["shape"]) == ("engine", [2, 4])
    timed = json.loads(run("bench", tmp_path / "model.trt", "--model", path, "--calls", 20, "--json").stdout)
    assert {"torch2trt", "eager"} <= set(timed["timed"])
    assert timed["timed"]["torch2trt"]["memory_bytes"] >= 0
    assert json.loads(run("inspect", tmp_path / "model.trt", "--json").stdout)["layers"]
    assert "layer of the engine" in run("inspect", tmp_path / "model.trt").stdout
    found = json.loads(run("doctor", "--json").stdout)
    assert next(row for row in found if row["about"] == "GPU 0")["state"] == "ok"
