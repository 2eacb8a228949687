"""Refitting: a module takes the weights of another model, all of them or none, and says why it cannot."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import BuildError, ConversionError, EngineError, Input, _trt
from torch2trt.network import refit

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")


class Model(nn.Module):
    """Weights as they are, folded, cast, computed, shared, and as a scalar."""

    def __init__(self, seed, channels=4, slope=0.1, device="cpu"):
        super().__init__()
        torch.manual_seed(seed)
        self.conv, self.norm = nn.Conv2d(3, channels, 3), nn.BatchNorm2d(channels)
        self.linear, self.scale = nn.Linear(channels, 5), nn.Parameter(torch.rand(1))
        self.slope = slope
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)
        self.eval().to(device)

    def forward(self, x):
        y = nn.functional.leaky_relu(self.norm(self.conv(x)), self.slope).mean((2, 3))
        return self.linear(y) * self.scale + y @ self.linear.weight.t().softmax(0)


X = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)
INPUTS = [Input(min=(1, 3, 8, 8), opt=(2, 3, 8, 8), max=(4, 3, 8, 8))]


def converted(model, **options):
    return torch2trt.convert(model, INPUTS, build=False, refittable=True, **options)


@pytest.mark.parametrize("precision", [None, torch.float16, "mixed"])
def test_the_module_computes_what_the_other_model_does(precision):
    one, other = Model(0), Model(1)
    module = converted(one, precision=precision)
    for model in (other, one, other):
        module.refit(model)
        torch.testing.assert_close(module(X), model(X), rtol=1e-2, atol=2e-3 if precision else 1e-5)
    assert not torch.allclose(one(X), other(X), atol=1e-2)


def test_a_model_that_was_trained_on_is_taken_as_it_is_now():
    model = Model(0)
    module = converted(model)
    before = module(X)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    torch.testing.assert_close(module(X), before)
    module.refit(model)
    torch.testing.assert_close(module(X), model(X))
    with torch.no_grad():
        model.scale.zero_()
    assert module(X).abs().max() > 0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Model(1, channels=6), "has other calls, sizes or numbers than the converted one, in conv/aten.convolution"),
        (Model(1, slope=0.2), "numbers than the converted one, in aten.leaky_relu.default#0; convert it by itself"),
        (
            lambda x: x.mean((2, 3)) @ torch.ones(3, 5),
            "the model has other calls, sizes or numbers than the converted one",
        ),
        (lambda x: x.mean((2, 3)), "takes or returns something else than the converted one; convert it by itself"),
        (lambda x: (x, x), "takes or returns something else than the converted one; convert it by itself"),
    ],
    ids=["sizes", "numbers", "calls", "sizes of outputs", "outputs"],
)
def test_another_model_is_refused_and_changes_nothing(other, message):
    module = converted(Model(0))
    before = module(X)
    with pytest.raises(ConversionError, match=message):
        module.refit(other)
    assert torch.equal(module(X), before)


def test_numbers_that_were_one_constant_and_are_two_are_noticed():
    class Scaled(nn.Module):
        def __init__(self, *scales):
            super().__init__()
            self.register_buffer("scales", torch.tensor(scales))

        def forward(self, x):
            return (x * (self.scales[0] * 1)).relu() * (self.scales[1] * 1)

    module = torch2trt.convert(Scaled(2.0, 2.0), [X], build=False, refittable=True)
    other = Scaled(2.0, 3.0)
    with pytest.raises(ConversionError, match="other calls, sizes or numbers"):
        module.refit(other)
    torch.testing.assert_close(module(X), (X * 2).relu() * 2)


def test_buffers_that_the_module_writes_keep_their_values():
    class Counting(nn.Module):
        def __init__(self, step):
            super().__init__()
            self.register_buffer("count", torch.zeros(2))
            self.register_buffer("step", torch.tensor([step, step + 1]))

        def forward(self, x):
            self.count += self.step
            return x + self.count

    module = torch2trt.convert(Counting(1.0), [torch.zeros(2)], build=False, refittable=True)
    assert module(torch.zeros(2)).tolist() == [1, 2]
    module.refit(Counting(10.0))
    assert module(torch.zeros(2)).tolist() == [11, 13]


def test_copies_are_refitted_by_themselves():
    module = converted(Model(0))
    copied = copy.deepcopy(module)
    copied.refit(Model(1))
    torch.testing.assert_close(module(X), Model(0)(X))
    torch.testing.assert_close(copied(X), Model(1)(X))


def test_it_comes_after_what_is_checked_at_the_conversion():
    module = converted(Model(0), verify=True)
    module.refit(Model(1))
    torch.testing.assert_close(module(X), Model(1)(X))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: torch2trt.convert(Model(0), [X], build=False), "convert it with refittable=True"),
        (lambda: pickle.loads(pickle.dumps(converted(Model(0)))), "one that was loaded cannot either"),
        (
            lambda: converted(Model(0), fallback=True, min_segment=1, run_in_torch=["linear"]),
            "PyTorch runs parts of it",
        ),
    ],
)
def test_a_module_that_cannot_says_so(made, message):
    with pytest.raises(EngineError, match=f"the module cannot take other weights.*{message}"):
        made().refit(Model(1))


@pytest.mark.skipif(_trt.FLAVOR != "rtx" or torch.cuda.is_available(), reason="RTX builds such engines with a GPU")
def test_without_a_gpu_no_engine_is_built():
    with pytest.raises(BuildError, match=r"on a machine with a GPU alone; build it there, or .* build=False"):
        torch2trt.convert(Model(0), INPUTS, refittable=True)


class Refitter:
    """As ``trt.Refitter`` of an engine that has all constants but one."""

    fails = False

    def __init__(self, engine, logger):
        self._engine, self.given = engine, []

    def get_all(self):
        return self._engine.places

    def set_weights(self, layer, role, weights):
        self.given.append((layer, role.name, weights.size))
        return True

    def refit_cuda_engine(self):
        self._engine.given = self.given
        return not self.fails


@pytest.fixture
def engine(monkeypatch):
    """An engine that stands in for one on a GPU, with the module that it is of."""
    model = Model(0)
    module = converted(model)
    places = [(place[0], getattr(torch2trt.trt.WeightsRole, place[1])) for place in module.refitting.digests]
    loaded = SimpleNamespace(places=tuple(zip(*places, strict=True)), serialize=lambda: b"refitted")
    monkeypatch.setattr(refit, "deserialized", lambda serialized: loaded)
    monkeypatch.setattr(refit.trt, "Refitter", Refitter)
    kept = torch2trt.runtime.engine.Engine(b"engine", "rtx", "1", {"settings": {"workspace": 1}})
    return SimpleNamespace(loaded=loaded, kept=kept, refitting=module.refitting)


def test_the_engine_gets_every_weight(engine):
    _, _, refitted, _ = engine.refitting(Model(1), engine.kept)
    assert (refitted.serialized, refitted.provenance["settings"]) == (b"refitted", {"workspace": 1})
    assert refitted.kernels == engine.kept.digest
    assert engine.refitting(Model(2), refitted)[2].kernels == engine.kept.digest
    assert sorted(place[:2] for place in engine.loaded.given) == sorted(engine.refitting.digests)
    assert ("conv/aten.convolution.default#0", "KERNEL", 4 * 3 * 3 * 3) in engine.loaded.given


def test_a_weight_that_the_engine_cannot_change_must_be_the_same(engine):
    names, roles = engine.loaded.places
    fixed = names.index("linear.weight")
    engine.loaded.places = names[:fixed] + names[fixed + 1 :], roles[:fixed] + roles[fixed + 1 :]
    engine.refitting(Model(0), engine.kept)
    with pytest.raises(EngineError, match=r"cannot change weights .* that are others now, of linear\.weight;"):
        engine.refitting(Model(1), engine.kept)


def test_what_tensorrt_refuses_is_an_error(engine, monkeypatch):
    monkeypatch.setattr(Refitter, "fails", True)
    with pytest.raises(EngineError, match="TensorRT cannot refit the engine"):
        engine.refitting(Model(1), engine.kept)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")
def test_on_a_gpu(tmp_path):
    one, other, x = Model(0, device="cuda"), Model(1, device="cuda"), X.cuda()
    module = torch2trt.convert(one, INPUTS, runtime="engine", refittable=True)
    for model in (one, other, one, other):
        module.refit(model)
        for _ in range(4):
            torch.testing.assert_close(module(x), model(x), rtol=1e-2, atol=1e-3)
    with pytest.raises(ConversionError, match="other calls, sizes or numbers"):
        module.refit(Model(1, channels=6, device="cuda"))
    torch.testing.assert_close(module(x), other(x), rtol=1e-2, atol=1e-3)
    module.save(tmp_path / "model.trt")
    torch.testing.assert_close(torch2trt.load(tmp_path / "model.trt")(x), other(x), rtol=1e-2, atol=1e-3)
