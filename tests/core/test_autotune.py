"""``autotune=True``: which runs, the engine or PyTorch, with times that are given."""

import functools
import gc
import warnings
import weakref

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import AutotuneWarning, Input, VerificationError
from torch2trt.runtime.module import TRTModule
from torch2trt.tune import autotune
from torch2trt.tune.timing import timed

model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2)).eval()


@pytest.fixture
def times(monkeypatch):
    """What the runners are said to take; as if the interpreter were an engine."""
    monkeypatch.setattr(TRTModule, "runtime", "engine")
    given, asked = [], []

    def timed(runners, tensors):
        asked.append(([type(runner).__name__ for runner in runners], {n: tuple(t.shape) for n, t in tensors.items()}))
        return given

    monkeypatch.setattr(autotune, "autotuned", functools.partial(autotune.autotuned, timed=timed))
    monkeypatch.setattr(autotune, "why_not_compiled", lambda device: None)
    return given, asked


def convert(**settings):
    inputs = [Input(min=(1, 4), opt=(3, 4), max=(8, 4))]
    return torch2trt.convert(model, inputs, runtime="reference", build=False, autotune=True, **settings)


def test_the_engine_is_kept_where_pytorch_is_not_clearly_faster(times, recwarn):
    given, asked = times
    given[:] = [100.0, 99.0, 98.5]
    assert "in PyTorch" not in repr(convert())
    assert asked == [(["ReferenceRunner", "WholeGraph", "WholeGraph"], {"input": (3, 4)})]
    assert not [warning for warning in recwarn if warning.category is AutotuneWarning]


@pytest.mark.parametrize(
    ("taken", "name", "shown"),
    [
        ([100.0, 70.0, 80.0], "PyTorch", "in PyTorch: 3 calls\n"),
        ([100.0, 70.0, 60.0], "PyTorch with inductor's kernels", "in PyTorch: 3 calls, compiled by inductor\n"),
    ],
)
def test_pytorch_runs_where_it_is_faster_and_the_plan_says_so(times, tmp_path, taken, name, shown):
    times[0][:] = taken
    with pytest.warns(AutotuneWarning, match=rf"{name} runs .* at the usual shapes \(3, 4\) the engine took 100 us"):
        module = convert()
    assert shown in repr(module)
    assert f"autotune=True: {name} was faster than the engine" in str(module.manifest())
    module.save(tmp_path / "model.trt")
    for one in (module, torch2trt.load(tmp_path / "model.trt")):
        assert shown in repr(one)
        assert type(one.runner).__name__ == "WholeGraph"
        for count in (1, 3, 8):
            x = torch.randn(count, 4)
            torch.testing.assert_close(one(x), model(x))


def test_what_pytorch_runs_keeps_no_weights_of_the_models(times):
    times[0][:] = [100.0, 70.0, 80.0]
    own = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2)).eval()
    kept = [weakref.ref(parameter) for parameter in own.parameters()]
    with pytest.warns(AutotuneWarning):
        module = torch2trt.convert(own, [torch.randn(3, 4)], runtime="reference", build=False, autotune=True)
    x = torch.ones(3, 4)
    expected = own(x).detach()
    del own
    gc.collect()
    assert [one() for one in kept] == [None] * 4
    torch.testing.assert_close(module(x), expected)


def test_what_waits_for_the_gpu_is_no_rival(times):
    def written(x):
        return x.index_put((x > 0,), torch.tensor(2.0))

    times[0][:] = [100.0]
    torch2trt.convert(written, [torch.randn(5)], runtime="reference", build=False, autotune=True)
    assert times[1] == [(["ReferenceRunner"], {"x": (5,)})]


def test_what_differs_from_the_model_is_dropped(times):
    class Wrong(nn.Module):
        def forward(self, x):
            return x + 0 if torch.compiler.is_compiling() else x + 1

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(VerificationError, match="and so does"):
            torch2trt.convert(Wrong().eval(), [torch.randn(5)], runtime="reference", build=False, autotune=True)
    dropped = [str(one.message) for one in told if one.category is AutotuneWarning]
    assert [text.partition(":")[0] for text in dropped] == [
        f"autotune=True drops {name}" for name in ("the engine", "PyTorch", "PyTorch with inductor's kernels")
    ]


def test_without_a_gpu_it_says_that_nothing_was_compared():
    with pytest.warns(AutotuneWarning, match="there is none"):
        convert()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_on_a_gpu_both_are_timed_and_the_module_is_right():
    on_gpu = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 8)).eval().cuda()
    x = torch.randn(4, 64, device="cuda")
    module = torch2trt.convert(on_gpu, [x], autotune=True, runtime="engine", cache=False)
    for _ in range(4):
        torch.testing.assert_close(module(x), on_gpu(x), rtol=1e-2, atol=1e-2)
    engine, pytorch = timed([module.runner, lambda tensors: on_gpu(tensors["input"])], {"input": x})
    assert 0 < engine < 1e5
    assert 0 < pytorch < 1e5
