"""What users see while things go on, and where: lines of the model, progress, Ctrl-C, terminals."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from textwrap import dedent

import pytest
import torch
import torch2trt
from torch import nn
from torch.export import Dim
from torch2trt import BuildError, CaptureError, Input, TRTModule, convert, explain, hookimpl, trt
from torch2trt.network import progress

from .packs import with_installed

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


def line_of(function, offset):
    return f"test_messages.py:{function.__code__.co_firstlineno + offset}"


def helper(x):
    return x.sin()


class Deep(nn.Module):
    def forward(self, x):
        return self.body(x) + 1

    def body(self, x):
        y = torch.relu(x)
        return helper(y)


def sources(model):
    return [planned.call.source for planned in explain(model, [torch.ones(2)])]


def test_calls_know_their_line_in_functions_methods_and_helpers():
    def plain(x):
        y = torch.relu(x)
        return helper(y)

    assert sources(plain) == [line_of(plain, 1), line_of(helper, 1)]
    assert sources(lambda x: x.relu()) == [line_of(test_calls_know_their_line_in_functions_methods_and_helpers, 6)]
    assert sources(Deep()) == [line_of(Deep.body, 1), line_of(helper, 1), line_of(Deep.forward, 1)]


def test_generated_code_is_never_a_source():
    traced = torch.fx.symbolic_trace(Deep())
    assert set(sources(traced)) == {""}
    with pytest.raises(torch2trt.CaptureError) as caught:
        explain(torch.fx.symbolic_trace(lambda x: x.reshape(5, 7)), [torch.ones(2)])
    assert "eval_with_key" not in str(caught.value)


def chain(layers):
    return nn.Sequential(*(nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(layers))).eval()


class Configure:
    """A pack that does something when a build is about to begin."""

    def __init__(self, act):
        self.act = act

    @hookimpl
    def torch2trt_configure_build(self, config, network, settings):
        self.act(config)


@pytest.fixture
def ctrl_c():
    """Ctrl-C means what it does in a terminal; the background jobs of a shell ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals go to the main thread")
def test_ctrl_c_ends_a_build(ctrl_c):
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    plan = explain(chain(150), [torch.ones(2, 8)], packs=with_installed(Configure(lambda config: timer.start())))
    with pytest.raises(KeyboardInterrupt):
        plan.convert()
    timer.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert convert(chain(1), [torch.ones(2, 8)]).serialized


def test_a_handler_of_the_users_own_is_left_alone():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("asked"))
    try:
        packs = with_installed(Configure(lambda config: os.kill(os.getpid(), signal.SIGINT)))
        assert convert(chain(1), [torch.ones(2, 8)], packs=packs).serialized
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["asked"]


def test_a_monitor_of_a_pack_still_sees_the_build_and_may_cancel_it():
    class Monitor(trt.IProgressMonitor):
        def __init__(self, going_on):
            trt.IProgressMonitor.__init__(self)
            self.going_on, self.seen = going_on, set()

        def phase_start(self, phase_name, parent_phase, num_steps):
            self.seen.add("start")

        def phase_finish(self, phase_name):
            self.seen.add("finish")

        def step_complete(self, phase_name, step):
            self.seen.add("step")
            return self.going_on

    def packs(monitor):
        return with_installed(Configure(lambda config: setattr(config, "progress_monitor", monitor)))

    monitor = Monitor(going_on=True)
    assert convert(chain(1), [torch.ones(2, 8)], packs=packs(monitor)).serialized
    assert monitor.seen == {"start", "step", "finish"}
    with pytest.raises(BuildError, match="could not build the engine"):
        convert(chain(1), [torch.ones(2, 8)], packs=packs(Monitor(going_on=False)))


@pytest.mark.parametrize(("shown", "lines"), [(None, True), (False, False)])
def test_a_long_build_says_so_off_a_terminal(monkeypatch, caplog, shown, lines):
    monkeypatch.setattr(progress, "_EVERY", 0.05)
    with caplog.at_level(logging.WARNING, logger="torch2trt"):
        convert(chain(60), [torch.ones(2, 8)], progress=shown)
    assert any("TensorRT has been building for 0 s: " in text for text in caplog.messages) == lines
    caplog.clear()
    monkeypatch.undo()
    convert(chain(1), [torch.ones(2, 8)])
    assert not [record for record in caplog.records if record.name == "torch2trt"]


def test_bars_are_shown_where_they_are_wanted_and_leave_nothing_behind(capfd):
    convert(chain(60), [torch.ones(2, 8)], progress=True)
    assert "TensorRT has been building" not in capfd.readouterr().err


def test_a_bar_counts_the_calls_that_are_lowered(monkeypatch):
    seen = []

    @contextlib.contextmanager
    def bars(phases):
        yield
        seen.append(dict(phases))

    monkeypatch.setattr(progress, "_bars", bars)
    module = convert(chain(3), [torch.ones(2, 8)], progress=True, build=False)
    calls = len(list(module.lowered.plan))
    assert seen == [{"Lowering": (calls, calls)}]
    convert(chain(3), [torch.ones(2, 8)], build=False)  # there is no terminal
    convert(chain(3), [torch.ones(2, 8)], progress=False, build=False)
    assert len(seen) == 1


def test_a_module_says_what_it_is():
    text = repr(convert(nn.Linear(4, 3).eval(), [Input(min=(1, 4), max=(8, 4))], precision=torch.float16))
    for part in ("inputs: input float32[1..8, 4]", "outputs: output_0", " KiB of ", "precision torch.float16"):
        assert part in text
    assert "runtime: auto" in text
    module = convert(torch.relu, [torch.ones(2)], build=False)
    assert "engine" not in repr(module)
    assert "runtime: reference" in repr(module)
    assert repr(TRTModule()) == "TRTModule(empty)"


def run(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, env={**os.environ, **environment}, timeout=120, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_terminal_of_ascii_shows_plans_and_tables(tmp_path):
    code = """
    import runpy, sys, torch, torch2trt
    print(torch2trt.explain(torch.relu, [torch.ones(2)]))
    sys.argv[1:] = ["packs"]
    runpy.run_module("torch2trt", run_name="__main__")
    """
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    status, out, err = run("-c", dedent(code), **ascii_only)
    assert (status, err) == (0, "")
    assert out.isascii()
    assert "aten.relu.default" in out
    assert "torch2trt-ops-base" in out


def test_the_command_is_a_module_too_and_says_its_version():
    status, out, _ = run("-m", "torch2trt", "--version")
    assert status == 0
    assert out.startswith(f"torch2trt {torch2trt.__version__}, TensorRT ")


def test_ctrl_c_is_exit_status_130(monkeypatch, tmp_path):
    from torch2trt.cli import app
    from torch2trt.packs import loading
    from typer.testing import CliRunner

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "installed", interrupt)
    done = CliRunner().invoke(app, ["packs"])
    assert (done.exit_code, done.stderr) == (130, "interrupted\n")


@torch.library.custom_op("test_messages::traced_once", mutates_args=())
def traced_once(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


def test_an_assertion_inside_of_pytorch_names_the_call_and_the_cure():
    def model(x):
        return x[: torch.sym_ite(x.shape[0] > 3, x.shape[0], 3)]

    said = (
        rf"an assertion inside of PyTorch fails at {line_of(model, 1)}: type mismatch: .*SymInt.* vs .*int.*as static"
    )
    with pytest.raises(CaptureError, match=said):
        explain(model, [torch.ones(4, 2)], dynamic_shapes=({0: Dim("n", max=9)},))


def test_an_assertion_about_a_graph_names_the_line_of_the_call():
    runs = iter([torch.empty_like])

    @traced_once.register_fake
    def _(x):
        return next(runs, lambda _: torch.sym_ite(True, 1, 2.0))(x)

    def model(x):
        y = traced_once(x)
        y[0].zero_()  # what is seen through a view is traced again
        return y + 1

    said = rf"cannot take the exported model apart: .* fails at {line_of(model, 1)}: type mismatch: .*as static"
    with pytest.raises(CaptureError, match=said) as caught:
        explain(model, [torch.ones(2)])
    assert "While executing" not in str(caught.value)
