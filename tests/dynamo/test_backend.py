"""What the backend promises beside equal results: options, gradients, weights, caches, messages."""

import copy
import gc
import os
import subprocess
import sys
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
import torch2trt
from torch import nn
from torch._dynamo.exc import BackendCompilerFailed
from torch2trt import ConversionError, FallbackWarning, RandomNumbersWarning, UnsupportedError
from torch2trt.dynamo import conversions

from .counting import CPU, Counting

CORE = Path(__file__).parents[2] / "core"


@pytest.fixture
def counting(monkeypatch):
    return Counting(monkeypatch)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh())
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x)) * 2


@pytest.fixture
def model():
    return Net().eval()


def agree(compiled, model, *args):
    with torch.no_grad():
        torch.testing.assert_close(compiled(*args), model(*args))


# the entry point

BY_NAME = """
import torch
assert "torch2trt" in torch._dynamo.list_backends(), torch._dynamo.list_backends()
model, x = torch.nn.Linear(3, 2).requires_grad_(False), torch.randn(4, 3)
compiled = torch.compile(model, backend="torch2trt", options={"runtime": "reference", "build": False, "min_segment": 1})
torch.testing.assert_close(compiled(x), model(x))
import sys
assert "torch2trt.dynamo.compiled" in sys.modules
"""


def test_pytorch_finds_it_by_its_name(tmp_path):
    """As an installed distribution does, of whose metadata only the entry points count here."""
    _, _, points = (CORE / "pyproject.toml").read_text().partition("[project.entry-points.torch_dynamo_backends]\n")
    points = points.partition("\n[")[0].replace('"', "")
    info = tmp_path / "torch2trt_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch2trt-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[torch_dynamo_backends]\n{points}")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:torch2trt", "-c", BY_NAME],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"presicion": torch.float16}, "has no argument 'presicion'; did you mean 'precision'"),
        ({"enabled_precisions": {torch.half}}, "say precision=torch.float16"),
        ({"min_block_size": 2}, "min_segment=3"),
        ({"precision": "fp16"}, "precision='fp16' is not one of"),
        ({"run_in_torch": ["head"], "fallback": False}, "add fallback=True"),
    ],
)
def test_an_option_that_is_none_is_refused(model, counting, options, message):
    with torch.no_grad(), pytest.raises(BackendCompilerFailed, match=message):
        counting.compile(model, options)(torch.randn(4, 3))


def test_modes_are_inductors(model, counting):
    with pytest.raises(RuntimeError, match="Either mode or options"):
        torch.compile(model, backend=counting, mode="reduce-overhead", options={})
    torch._dynamo.reset()
    with torch.no_grad(), pytest.raises(BackendCompilerFailed, match="leave it out"):
        torch.compile(model, backend=counting, mode="reduce-overhead")(torch.randn(4, 3))


def test_settings_are_those_of_a_conversion(model, counting):
    x = torch.randn(4, 3)
    compiled = counting.compile(model, CPU | {"precision": torch.bfloat16, "verify": True})
    with torch.no_grad():
        found = compiled(x)
        torch.testing.assert_close(
            found, torch2trt.convert(model, [x], precision=torch.bfloat16, runtime="reference")(x)
        )
    assert found.dtype == torch.float32
    assert not torch.equal(found, model(x))


def test_parts_that_stay_in_pytorch(model, counting, monkeypatch):
    plans = []
    convert = torch2trt.Plan.convert
    monkeypatch.setattr(torch2trt.Plan, "convert", lambda plan: plans.append(plan) or convert(plan))
    x = torch.randn(4, 3)
    for entries, targets in [
        (["head"], ["aten.linear.default"]),
        ([nn.Tanh], ["aten.tanh.default"]),
        (["BatchNorm1d", "aten.mul.Tensor"], ["aten._native_batch_norm_legit_no_training.default", "aten.mul.Tensor"]),
    ]:
        agree(counting.compile(model, CPU | {"run_in_torch": entries}), model, x)
        assert [planned.call.target.name for planned in plans[-1].in_torch] == targets
    with pytest.warns(FallbackWarning, match="'hed', and the captured program has no call"):
        agree(counting.compile(model, CPU | {"run_in_torch": ["hed", "head"]}), model, x)
    assert [planned.call.module_path for planned in plans[-1].in_torch] == ["head"]


# gradients


def test_gradients_are_pytorchs(model, counting):
    x, compiled = torch.randn(4, 3), counting.compile(model)
    with pytest.warns(FallbackWarning, match="records gradients.*torch.inference_mode"):
        compiled(x).sum().backward()
    found = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    model(x).sum().backward()
    torch.testing.assert_close(found, [parameter.grad for parameter in model.parameters()])
    assert counting.conversions == 0
    agree(compiled, model, x)
    assert (counting.graphs, counting.conversions) == (2, 1)


def test_gradients_of_inputs_and_what_needs_none(counting):
    compiled = counting.compile(lambda x: (x * 2).sin() + 1)
    torch.testing.assert_close(compiled(torch.ones(3)), (torch.ones(3) * 2).sin() + 1)
    assert counting.conversions == 1
    x = torch.ones(3, requires_grad=True)
    with pytest.warns(FallbackWarning, match="records gradients"):
        (grad,) = torch.autograd.grad(compiled(x).sum(), x)
    torch.testing.assert_close(grad, 2 * torch.cos(2 * torch.ones(3)))


def test_a_model_without_gradients_needs_no_mode(model, counting):
    compiled, x = counting.compile(model.requires_grad_(False)), torch.randn(4, 3)
    torch.testing.assert_close(compiled(x), model(x))
    assert counting.conversions == 1


def test_without_fallback_gradients_are_refused(model, counting):
    with pytest.raises(BackendCompilerFailed, match="records gradients"):
        counting.compile(model, CPU | {"fallback": False})(torch.randn(4, 3))


# weights


def test_weights_that_change_are_seen(model, counting):
    x, compiled = torch.randn(4, 3), counting.compile(model)
    agree(compiled, model, x)
    model.load_state_dict({name: tensor + 1 for name, tensor in model.state_dict().items()})
    agree(compiled, model, x)
    model.head.weight.data = torch.ones(2, 4)
    agree(compiled, model, x)
    with torch.no_grad():
        model.head.bias.mul_(2)
    agree(compiled, model, x)
    model.head.weight = nn.Parameter(torch.zeros(2, 4))
    agree(compiled, model, x)
    for _ in range(2):
        agree(compiled, model, x)
    assert counting.conversions == 5


@pytest.fixture
def three(monkeypatch):
    """Three conversions of a graph are the most."""
    monkeypatch.setattr(conversions, "_MOST", 3)


def test_weights_that_change_all_the_time_are_pytorchs(counting, three):
    model, x = nn.Linear(3, 2), torch.randn(4, 3)
    compiled = counting.compile(model)
    for _ in range(3):
        agree(compiled, model, x)
        with torch.no_grad():
            model.weight.add_(1)
    for _ in range(2):
        with pytest.warns(FallbackWarning, match="converted 3 times already"):
            agree(compiled, model, x)
        with torch.no_grad():
            model.weight.add_(1)
    assert counting.conversions == 3


def test_weights_that_need_no_cast_stay_constants(counting, monkeypatch):
    class Casting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return torch.nn.functional.linear(x.float(), self.layer.weight.float().contiguous(), self.layer.bias)

    plans = []
    convert = torch2trt.Plan.convert
    monkeypatch.setattr(torch2trt.Plan, "convert", lambda plan: plans.append(plan) or convert(plan))
    model = Casting()
    agree(counting.compile(model), model, torch.randn(2, 3))
    assert [*plans[0].program.inputs] == ["l_x_"]


def test_blocks_of_one_kind_share_a_graph_and_not_their_weights(counting):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return torch.relu(self.layer(x)) + x

    model = nn.Sequential(*(Block() for _ in range(3))).eval()
    eager, x = copy.deepcopy(model), torch.randn(4, 3)
    torch._dynamo.reset()
    for block in model:
        block.compile(backend=counting, options=CPU)
    for _ in range(3):
        agree(model, eager, x)
    assert (counting.graphs, counting.conversions) == (1, 3)


def test_a_model_is_not_kept_alive_by_what_watches_its_weights():
    from torch2trt.dynamo.weights import Weights, key_of

    gone, parameter = [], nn.Parameter(torch.zeros(3))
    weights, reference = Weights([parameter], gone.append), weakref.ref(parameter)
    assert key_of([parameter]) == (id(parameter),)
    assert weights.are([parameter])
    del parameter
    gc.collect()
    assert reference() is None
    assert len(gone) == 1


def test_an_input_that_is_a_part_of_the_model(counting):
    model = nn.Linear(3, 3, bias=False).requires_grad_(False)
    eager = copy.deepcopy(model)

    def run(model, x):
        x.mul_(2)
        return model(x)

    compiled = counting.compile(run)
    torch.testing.assert_close(compiled(model, torch.ones(2, 3)), run(eager, torch.ones(2, 3)))
    with pytest.warns(FallbackWarning, match="part of the model's own"):
        found = compiled(model, model.weight[:2])
    torch.testing.assert_close(found, run(eager, eager.weight[:2]))


def test_inputs_of_one_memory(counting):
    def run(x, y):
        x.add_(1)
        return y * 2

    x = torch.zeros(4)
    compiled = counting.compile(run)
    torch.testing.assert_close(compiled(torch.zeros(4), torch.zeros(4)), torch.zeros(4))
    with pytest.warns(FallbackWarning, match="memory in common"):
        torch.testing.assert_close(compiled(x, x.view(2, 2).view(4)), torch.full((4,), 2.0))


# conversions


def test_a_graph_that_was_converted_before_is_in_the_cache(model, counting):
    engines, x = {}, torch.randn(4, 3)
    options = {"runtime": "reference", "min_segment": 1, "cache": engines}
    agree(counting.compile(model, options), model, x)
    (key,) = engines
    agree(counting.compile(copy.deepcopy(model), options), model, x)
    assert [*engines] == [key]
    assert counting.conversions == 2


def test_sizes_without_an_end_are_pytorchs_at_last(counting, three):
    compiled = counting.compile(lambda x: x.cumsum(0) * 2, dynamic=True)
    for power in range(1, 4):
        x = torch.randn(2**power + 1)
        torch.testing.assert_close(compiled(x), x.cumsum(0) * 2)
    x = torch.randn(17)
    with pytest.warns(FallbackWarning, match="mark_dynamic"):
        torch.testing.assert_close(compiled(x), x.cumsum(0) * 2)
    assert (counting.graphs, counting.conversions) == (1, 3)


def test_without_fallback_an_unsupported_call_is_named_with_its_line(counting):
    class Eigen(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleDict({"first": nn.Linear(3, 3)})

        def forward(self, x):
            return torch.linalg.eigvalsh(self.layers["first"](x))

    compiled = counting.compile(Eigen().requires_grad_(False), CPU | {"fallback": False})
    for _ in range(2):  # nothing is kept of a failure
        with pytest.raises(UnsupportedError, match=r"1 of .*(?s:.*)test_backend\.py:\d+"):
            compiled(torch.eye(3))


def test_random_numbers_are_told_and_drawn_in_any_mode(counting):
    compiled = counting.compile(lambda x: x + torch.rand_like(x) * 2)
    x = torch.zeros(50)
    with torch.inference_mode(), pytest.warns(RandomNumbersWarning):
        drawn = [compiled(x)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomNumbersWarning)  # said for each conversion
        with torch.no_grad():
            drawn += [compiled(x), compiled(x)]
    assert len({tuple(one.tolist()) for one in drawn}) == 3
    assert all(0 <= one.min() < one.max() <= 2 for one in drawn)


def test_what_fails_for_sizes_that_vary_is_converted_for_each(counting, monkeypatch):
    explain = conversions.explain

    def failing(*args, dynamic_shapes=None, **settings):
        if dynamic_shapes is not None:
            raise ConversionError("no sizes that vary")
        return explain(*args, **settings)

    monkeypatch.setattr(conversions, "explain", failing)
    compiled = counting.compile(lambda x: torch.exp(x) * 2 + 1, dynamic=True)
    for size in (3, 4, 3):
        x = torch.randn(size)
        torch.testing.assert_close(compiled(x), x.exp() * 2 + 1)
    assert (counting.graphs, counting.conversions) == (1, 2)


def test_threads(counting):
    model = Net().eval().requires_grad_(False)
    compiled, x = counting.compile(model), [torch.randn(4, 3) for _ in range(16)]
    torch.testing.assert_close(compiled(x[0]), model(x[0]))
    with torch.no_grad():
        model.head.bias.add_(1)  # so that they all find that it has to be converted again
    with ThreadPoolExecutor(4) as threads:
        for one, found in zip(x, threads.map(compiled, x), strict=True):
            torch.testing.assert_close(found, model(one))
    assert (counting.graphs, counting.conversions) == (1, 2)


def test_dropout_in_training_mode_is_refused_in_words(counting):
    class Dropping(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x * 2, 0.5, self.training)

    with torch.no_grad(), pytest.raises(UnsupportedError, match=r"eval\(\).*random='engine'"):
        counting.compile(Dropping().train())(torch.randn(2, 3))


# engines

gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")]


class TestOnGPU:
    pytestmark = gpu

    def test_an_engine_for_sizes_that_change(self, counting):
        model = Net().eval().cuda()
        compiled = counting.compile(model, {"runtime": "engine", "min_segment": 1})
        with torch.inference_mode():
            for size in (4, 5, 6, 7, 5, 5, 5, 4):
                x = torch.randn(size, 3, device="cuda")
                torch.testing.assert_close(compiled(x), model(x), rtol=1e-2, atol=1e-2)
        assert (counting.graphs, counting.conversions) == (2, 2)

    def test_breaks_views_and_changes_in_place(self, counting):
        def run(x):
            y = torch.relu(x) + 1
            first = y[0]
            x.add_(1)
            torch._dynamo.graph_break()
            y.mul_(2)
            return first, y * 3

        compiled = counting.compile(run, {"runtime": "engine", "min_segment": 1})
        for _ in range(4):
            x = torch.randn(4, 3, device="cuda")
            own = x.clone()
            torch.testing.assert_close(compiled(x), run(own))
            torch.testing.assert_close(x, own)

    def test_weights_that_change(self, counting):
        model, x = Net().eval().cuda(), torch.randn(4, 3, device="cuda")
        compiled = counting.compile(model, {"runtime": "engine", "min_segment": 1})
        with torch.no_grad():
            for _ in range(2):
                torch.testing.assert_close(compiled(x), model(x), rtol=1e-2, atol=1e-2)
                model.head.bias.add_(3)
            torch.testing.assert_close(compiled(x), model(x), rtol=1e-2, atol=1e-2)
        assert counting.conversions == 3

    def test_an_operator_that_nothing_converts(self, counting):
        def run(x):
            h = x @ x.mT + 4 * torch.eye(4, device=x.device)
            return torch.linalg.eigvalsh(h) * 2 + x.sum(1)

        x = torch.randn(4, 4, device="cuda")
        compiled = counting.compile(run, {"runtime": "engine", "min_segment": 1})
        torch.testing.assert_close(compiled(x), run(x), rtol=1e-2, atol=1e-2)
        assert counting.conversions == 1
